// Options of steps as users give them: what a log or a timer cannot follow is told where it is written.

import { timerMsMax } from '../../runtime/core/limits.ts'
import { checkOptions, kindOf, wrongOption } from '../../runtime/core/options.ts'
import type { RetryPolicy } from '../../runtime/core/retry-policy.ts'
import type { StepOptions } from './step-logic.ts'

const known = ['retry', 'timeoutMs', 'dependency'] as const
const ofDependency = ['name', 'failuresMax', 'openMs', 'retryRatio'] as const

/** Throws `InvalidOption`. `own`: what this kind of step has beside the common ones. */
export function checkStep(of: string, options: StepOptions, own: readonly string[]): void {
  checkOptions(options, [...known, ...own], of)
  const { retry, timeoutMs, dependency } = options
  if (retry !== undefined && typeof retry?.delayMs !== 'function') {
    throw wrongOption('retry', `of ${of} is no policy`, 'use exponential, steps or forever')
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= timerMsMax)) {
    const fix = `give ms above 0, at most ${timerMsMax}`
    throw wrongOption('timeoutMs', `of ${of} is ${String(timeoutMs)}`, fix)
  }
  if (dependency === undefined) return
  checkOptions(dependency, ofDependency, `the dependency of ${of}`)
  if (typeof dependency.name !== 'string' || dependency.name === '') {
    throw wrongOption('dependency', `of ${of} has no name`, "write { name: 'payments' }")
  }
  for (const name of ['failuresMax', 'openMs', 'retryRatio'] as const) {
    const given = dependency[name]
    if (given === undefined || given >= 0) continue
    throw wrongOption(
      name,
      `of dependency '${dependency.name}' is ${given}`,
      'give a number from 0',
    )
  }
}

/** Throws `InvalidOption` for what is no function. */
export function checkFunction(of: string, given: unknown): void {
  if (typeof given === 'function') return
  throw wrongOption(of, `is ${kindOf(given)}`, 'give a function')
}

/** What a policy says; `null`, and a warning, where it throws or says what is no time. */
export function delayOf(name: string, retry: RetryPolicy, attempt: number): number | null {
  let said: unknown
  try {
    said = retry.delayMs(attempt)
  } catch (error) {
    said = error
  }
  if (said === null || (Number.isFinite(said) && (said as number) >= 0))
    return said as number | null
  const warning = `The retry policy of step '${name}' says ${String(said)} for attempt ${attempt}: it must give ms from 0, or null. The step is given up.`
  process.emitWarning(warning, { code: 'REENACT_RETRY_POLICY' })
  return null
}
