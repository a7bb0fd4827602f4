// A payment service as it is outside: it may be down or slow, and approves a payment once for each key.

import type { PaymentService } from './order-process.ts'

/** Approves everything, or fails so many times before, or does not answer. */
export function paymentService({ failures = 0, isSilent = false } = {}): PaymentService {
  let left = failures
  return {
    approve: async () => {
      if (isSilent) await new Promise(() => {})
      left -= 1
      if (left >= 0) throw new Error('the payment service is down')
    },
  }
}
