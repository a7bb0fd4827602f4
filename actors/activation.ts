// Activation: from nothing to the state at a moment, from the best snapshot or from the beginning.

import { readMetadata } from '../runtime/codec/metadata.ts'
import type { Model } from './model.ts'
import { always, type Moment, within } from './moment.ts'
import { hashOf } from './recorded.ts'
import { catchUp, type ReadDeps, type Replayed, unborn } from './rehydrate.ts'
import { loadSnapshot } from './snapshot.ts'

/** How an activation went, for the metrics. */
export interface Activation {
  readonly state: Replayed
  readonly snapshot: 'none' | 'used' | 'ignored'
  /** Revision of the snapshot that was used; -1 without one. */
  readonly snapshotRevision: number
}

/** The state of a stream at a moment, or now, at its end. */
export async function activate(
  deps: ReadDeps,
  model: Model,
  stream: string,
  moment: Moment | 'now',
): Promise<Activation> {
  const before = moment === 'now' ? always : within(moment)
  const { found, state } = await loadSnapshot(model, deps.store.state, stream)
  if (state && before(state) && (await agrees(deps, stream, state))) {
    const snapshotRevision = state.revision
    await catchUp(deps, model, stream, state, { within: before })
    return { state, snapshot: 'used', snapshotRevision }
  }
  const fresh = unborn(model)
  await catchUp(deps, model, stream, fresh, { within: before })
  const snapshot = found && moment === 'now' ? 'ignored' : 'none'
  return { state: fresh, snapshot, snapshotRevision: -1 }
}

/**
 * Whether the log has the event the snapshot was taken after; where that one is truncated, the chain of the
 * next one decides. A snapshot beyond the log is found by catching up, which is fatal.
 */
async function agrees(deps: ReadDeps, stream: string, state: Replayed): Promise<boolean> {
  const page = await deps.store.readStream(stream, { from: state.revision, limit: 1 })
  const first = page.events[0]
  if (!first) return true
  if (first.revision === state.revision) return hashOf(first).hash === state.hash
  return (readMetadata(first).previousHash ?? state.hash) === state.hash
}
