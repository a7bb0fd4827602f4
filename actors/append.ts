// One append request, sent until it is known what became of it.

import { sleep } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { exponential, fullJitter } from '../runtime/core/retry-policy.ts'
import type { AppendOutcome, EventToAppend } from '../runtime/ports/event-store.ts'
import type { ActorDeps } from './actor-deps.ts'

const resend = exponential({
  delayMsMin: 10,
  delayMsMax: 2_000,
  attemptsMax: Number.POSITIVE_INFINITY,
})

/** What is to be appended; the same bytes at every attempt. */
export interface AppendRequest {
  readonly stream: string
  readonly events: readonly EventToAppend[]
  /** Revision the stream must have; -1 for none. */
  readonly expected: number
  /** When they were recorded is wanted exactly. Default false. */
  readonly timeNeeded?: boolean
}

/**
 * Appends. On an unknown outcome the identical request is sent again, with backoff, until the answer is
 * definite. `unknown` comes back when the runtime has halted, or the store takes no more copies.
 */
export async function appendUntilDefinite(
  deps: ActorDeps,
  request: AppendRequest,
): Promise<AppendOutcome> {
  const { metrics, ports } = deps
  metrics.appending += 1
  for (let attempt = 1; ; attempt += 1) {
    let outcome: AppendOutcome
    try {
      outcome = await appendOnce(deps, request)
    } catch (error) {
      // A store that throws or stays silent has said nothing.
      outcome = { outcome: 'unknown', error }
    }
    // Behind our expectation while an earlier copy is under way: that copy may still arrive.
    const pending =
      outcome.outcome === 'conflict' && outcome.actual <= request.expected && attempt > 1
    if (outcome.outcome !== 'unknown' && !pending) {
      metrics.appending -= 1
      // This copy was refused; an earlier one may be in the log, or on its way.
      if (outcome.outcome !== 'refused' || attempt === 1) return checkAhead(request, outcome)
      return { outcome: 'unknown', error: outcome.error }
    }
    metrics.unknownOutcomes += 1
    if (deps.isHalted()) {
      metrics.appending -= 1
      return { outcome: 'unknown', error: outcome }
    }
    await sleep(ports.timers, fullJitter(ports.random, resend.delayMs(attempt) ?? 0))
  }
}

function appendOnce(
  deps: ActorDeps,
  { stream, events, expected: revision, timeNeeded = false }: AppendRequest,
): Promise<AppendOutcome> {
  const expected = revision === -1 ? 'none' : revision
  const asked = deps.store.append(stream, events, { expected, timeNeeded })
  // The embedded store is in this process and always answers: no timer for it.
  return deps.exclusive ? asked : orSilence(deps, asked)
}

function orSilence(deps: ActorDeps, asked: Promise<AppendOutcome>): Promise<AppendOutcome> {
  const { appendTimeoutMs } = deps.limits
  return new Promise((resolve, reject) => {
    const cancel = deps.ports.timers.after(appendTimeoutMs, () => {
      resolve({ outcome: 'unknown', error: new Error(`no answer within ${appendTimeoutMs} ms`) })
    })
    asked.then(resolve, reject).finally(cancel)
  })
}

/** An expectation beyond the log, with no copy under way: the log lost its end. */
function checkAhead({ stream, expected }: AppendRequest, outcome: AppendOutcome): AppendOutcome {
  if (outcome.outcome !== 'conflict' || outcome.actual >= expected) return outcome
  const error = new ReenactError(
    'AheadOfLog',
    `${stream} was at revision ${expected} and its log now ends at ${outcome.actual}. The log lost its end or was replaced: restart, and restore the right log.`,
    { stream, revision: expected, head: outcome.actual },
  )
  return { outcome: 'refused', error }
}
