// Options of a runtime with their defaults, checked once.

import type { ActorLimits } from '../../actors/index.ts'
import { ReenactError } from '../core/errors.ts'
import { timerMsMax } from '../core/limits.ts'

/** Limits of a runtime. Every queue has one. */
export type RuntimeLimits = ActorLimits

const defaults: RuntimeLimits = {
  mailboxMax: 1_024,
  residentMax: 100_000,
  passivateAfterMs: 60_000,
  snapshotEvery: 500,
  timeoutMs: 5_000,
  appendTimeoutMs: 10_000,
  conflictAttemptsMax: 8,
}

/** Fills in what is not given. Throws `InvalidOption` for anything but whole numbers from 1. */
export function readLimits(given: Partial<RuntimeLimits>): RuntimeLimits {
  const limits = {
    ...defaults,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
  for (const [option, value] of Object.entries(limits)) {
    if (!(option in defaults))
      throw wrong(option, 'is not an option', `use ${Object.keys(defaults).join(', ')}`)
    if (!Number.isInteger(value) || value < 1 || (option.endsWith('Ms') && value > timerMsMax)) {
      throw wrong(option, `is ${String(value)}`, `give a whole number from 1 to ${timerMsMax}`)
    }
  }
  return limits
}

const wrong = (option: string, what: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `Option '${option}' ${what}. To mend it: ${fix}.`, {
    option,
    fix,
  })
