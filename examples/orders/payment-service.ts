// A payment service as it is outside: it may be down, and approves a payment once for each key.

import type { PaymentService } from './order-process.ts'

/** Approves everything, or fails so many times before. */
export function paymentService(failures = 0): PaymentService {
  let left = failures
  return {
    approve: async () => {
      left -= 1
      if (left >= 0) throw new Error('the payment service is down')
    },
  }
}
