// What retrying a dead letter would come to, found out without writing anything.

import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { activate } from './activation.ts'
import type { ActorDeps } from './actor-deps.ts'
import { Batch } from './batch.ts'
import { readCommandEvent } from './command-stream.ts'
import type { Refusal } from './decide.ts'
import { Envelope } from './envelope.ts'
import { classOf, type FailureClass, type FailureRecord, failureRecord } from './failure.ts'
import type { Model } from './model.ts'
import { findOutcome, lookupOf } from './outcome.ts'

/** What retrying a dead letter would come to. */
export type DeadLetterPreview =
  | { readonly outcome: 'accepted'; readonly events: readonly object[] }
  | ({ readonly outcome: 'rejected' } & Refusal)
  /** It was decided after all: a retry is told that outcome and does nothing. */
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'failed'; readonly failure: FailureClass; readonly error: FailureRecord }

/** Decides a command from the log as its actor would now. Throws what keeps the log from being read. */
export async function preview(
  deps: ActorDeps,
  model: Model,
  stream: string,
  recorded: RecordedEvent,
): Promise<DeadLetterPreview> {
  try {
    const { state } = await activate(deps, model, stream, 'now')
    const after = state.commandRevision
    const turn = { revision: after + 1, after, page: { missed: false } }
    const checked = readCommandEvent(model, stream, recorded, turn)
    const lookup = lookupOf(checked.commandId, state)
    if (await findOutcome(deps, model, stream, lookup)) return { outcome: 'duplicate' }
    const batch = new Batch(model, stream, deps, state)
    const nobody = (): void => {}
    batch.add(new Envelope(checked, nobody, nobody), deps.ports.clock.now())
    const [decided] = batch.decided
    if (!decided) throw new Error('nothing was decided')
    const outcome = batch.outcomeOf(decided, 0)
    if (outcome.accepted) return { outcome: 'accepted', events: outcome.events }
    const { accepted: _, commandId, duplicate, state: then, ...refusal } = outcome
    return { outcome: 'rejected', ...refusal }
  } catch (error) {
    const failure = classOf(error)
    if (failure === 'transient' || failure === 'busy') throw error
    return { outcome: 'failed', failure, error: failureRecord(error) }
  }
}
