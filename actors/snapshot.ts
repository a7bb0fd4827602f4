// Snapshots are a cache: they save time, never decide. What does not fit or verify is ignored.

import { hash } from 'node:crypto'
import { deepFreeze, encode } from '../runtime/codec/codec.ts'
import { isReenactError } from '../runtime/core/errors.ts'
import type { StateStore } from '../runtime/ports/state-store.ts'
import { CommandWindow, type PlainWindow } from './command-window.ts'
import type { PlainState } from './machine.ts'
import type { Model } from './model.ts'
import type { Replayed } from './rehydrate.ts'

interface StoredSnapshot {
  /** Machine and version it was made with. */
  readonly key: string
  readonly state: PlainState
  readonly revision: number
  readonly position: number
  readonly recordedAt: number
  readonly time: number
  readonly hash: string
  readonly started: boolean
  readonly commands: PlainWindow
  /** Missing where it was taken before actors had command streams. */
  readonly commandRevision?: number
}

/** A snapshot holds a context of up to 8 MiB. */
const bytesMax = 8 * 1024 * 1024

/** Where the snapshot of a stream lies. */
export const snapshotKey = (stream: string): string => `snapshot:${stream}`

const sealOf = (body: string): string => hash('sha256', body, 'base64url')

/** Text of a snapshot under its own hash. Throws `InvalidPayload` where the context cannot be stored. */
export function writeSnapshot(model: Model, state: Replayed): string {
  const {
    snapshot,
    commands,
    revision,
    position,
    recordedAt,
    time,
    hash,
    started,
    commandRevision,
  } = state
  const stored: StoredSnapshot = {
    key: model.snapshotKey ?? '',
    state: model.runner.plain(snapshot),
    revision,
    position,
    recordedAt,
    time,
    hash,
    started,
    commands: commands.plain(),
    commandRevision,
  }
  const body = encode(stored, { what: 'The snapshot', bytesMax, isRecord: true })
  return `${sealOf(body)}\n${body}`
}

/** The state of a snapshot text; `undefined` when it is damaged or of another machine. */
export function readSnapshot(model: Model, text: string): Replayed | undefined {
  const cut = text.indexOf('\n')
  const body = text.slice(cut + 1)
  if (cut < 0 || text.slice(0, cut) !== sealOf(body)) return undefined
  try {
    const stored = JSON.parse(body) as StoredSnapshot
    if (stored.key !== model.snapshotKey) return undefined
    deepFreeze(stored.state.context)
    const { revision, position, recordedAt, time, hash, started, commandRevision = -1 } = stored
    const snapshot = model.runner.restore(stored.state)
    const commands = new CommandWindow(stored.commands)
    const place = { revision, position, recordedAt, time, hash, started, commandRevision }
    return { snapshot, commands, ...place }
  } catch {
    return undefined // A state this machine does not have.
  }
}

/** The last snapshot of a stream, if there is one that can be read. */
export async function loadSnapshot(
  model: Model,
  states: StateStore,
  stream: string,
): Promise<{ readonly found: boolean; readonly state: Replayed | undefined }> {
  if (model.snapshotKey === undefined) return { found: false, state: undefined }
  try {
    const entry = await states.get(snapshotKey(stream))
    return { found: entry !== undefined, state: entry && readSnapshot(model, entry.value) }
  } catch (error) {
    // A damaged entry is a snapshot that does not verify.
    if (isReenactError(error, 'StoreUnreadable')) return { found: true, state: undefined }
    throw error
  }
}
