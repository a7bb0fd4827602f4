// The outcome of a command, as the actor knows it and as the log records it.

import { decode } from '../runtime/codec/codec.ts'
import { type EventMetadata, readMetadata } from '../runtime/codec/metadata.ts'
import { readTyped } from '../runtime/codec/upcasting.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { issuedAt } from '../runtime/core/ids.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { activate } from './activation.ts'
import type { CommandWindow } from './command-window.ts'
import { fingerprint } from './command-window.ts'
import type { Refusal } from './decide.ts'
import type { Snapshot } from './machine.ts'
import type { Metrics } from './metrics.ts'
import type { Model } from './model.ts'
import type { ReadDeps, Replayed } from './rehydrate.ts'

/** What `send` answers, without type parameters. */
export type RawOutcome = {
  readonly commandId: string
  readonly duplicate: boolean
  readonly state: StateView
} & (
  | { readonly accepted: true; readonly events: readonly object[] }
  | ({ readonly accepted: false } & Refusal)
)

/** A state with its place. */
export interface StateView {
  readonly snapshot: Snapshot
  readonly revision: number
  readonly position: number
  readonly time: number
}

/** The state part of what replay knows. */
export const viewOf = ({ snapshot, revision, position, time }: Replayed): StateView => ({
  snapshot,
  revision,
  position,
  time,
})

/** A command's outcome found in the log. */
export interface FoundOutcome {
  /** Missing where a foreign writer wrote it. */
  readonly payloadHash: string | undefined
  readonly revision: number
  read(): Promise<RawOutcome>
}

/** Whether the log cannot hold this command: no need to look. */
export const isNew = ({ commands, commandId, issuedAt }: Lookup): boolean =>
  commands.find(commandId).length === 0 &&
  (commands.evictedAt === undefined || (issuedAt !== undefined && issuedAt > commands.evictedAt))

/** The id of a command says that it came before, its payload that it did not. */
export const usedBefore = (stream: string, commandId: string, revision: number): ReenactError =>
  new ReenactError(
    'IdempotencyMismatch',
    `Command id '${commandId}' was used before in ${stream}@${revision} with another payload. Use a new id for a new command.`,
    { actor: stream, commandId, revision },
  )

/** What looking up needs. */
type LookupDeps = ReadDeps & { readonly metrics: Pick<Metrics, 'streamScans'> }

/** What is looked up. */
export interface Lookup {
  readonly commands: CommandWindow
  readonly commandId: string
  /** When the id was made, if it says so. */
  readonly issuedAt: number | undefined
}

/** How this command is looked up. */
export const lookupOf = (commandId: string, { commands }: Pick<Replayed, 'commands'>): Lookup => ({
  commands,
  commandId,
  issuedAt: issuedAt(commandId),
})

/**
 * Looks a command id up in a stream: first among the remembered, then, unless the id is younger than all that
 * was forgotten, in the stream itself.
 */
export async function findOutcome(
  deps: LookupDeps,
  model: Model,
  stream: string,
  { commands, commandId, issuedAt }: Lookup,
): Promise<FoundOutcome | undefined> {
  for (const revision of commands.find(commandId)) {
    const found = await outcomeAt(deps, model, stream, revision, commandId)
    if (found) return found
  }
  const { evictedAt } = commands
  if (evictedAt === undefined) return undefined
  if (issuedAt !== undefined && issuedAt > evictedAt) return undefined
  const forgotten = commands.forgotten ?? (await collectForgotten(deps, stream, commands))
  if (!forgotten.has(fingerprint(commandId))) return undefined
  for await (const recorded of readAll(deps, stream, commands.oldestRevision)) {
    if (readMetadata(recorded).commandId !== commandId) continue
    return outcomeAt(deps, model, stream, recorded.revision, commandId)
  }
  return undefined
}

/** The events that would say whether a command was handled are gone: deciding it again might apply it twice. */
const unknowable = (stream: string, what: string, firstRevision: number): ReenactError =>
  new ReenactError(
    'HistoryTruncated',
    `Whether ${stream} has handled ${what} cannot be told: its events before revision ${firstRevision} are gone. Read the state; if the command is still due, send it with a new id.`,
    { stream, firstRevision },
  )

async function collectForgotten(
  deps: LookupDeps,
  stream: string,
  commands: CommandWindow,
): Promise<ReadonlySet<number>> {
  deps.metrics.streamScans += 1
  const forgotten = new Set<number>()
  let first: number | undefined
  for await (const recorded of readAll(deps, stream, commands.oldestRevision)) {
    first ??= recorded.revision
    const { commandId } = readMetadata(recorded)
    if (commandId !== undefined) forgotten.add(fingerprint(commandId))
  }
  if (first !== 0)
    throw unknowable(stream, 'a command id as old as this', first ?? commands.oldestRevision)
  commands.collect(forgotten)
  return forgotten
}

/** Events of a stream below a revision, letting the event loop have its turn after each page. */
async function* readAll(
  deps: ReadDeps,
  stream: string,
  below: number,
): AsyncGenerator<RecordedEvent> {
  for (let from = 0; from < below; ) {
    const { events, end } = await deps.store.readStream(stream, { from })
    for (const recorded of events) {
      if (recorded.revision >= below) return
      yield recorded
    }
    const last = events.at(-1)
    if (!last || end) return
    from = last.revision + 1
    await deps.timers.turn()
  }
}

/** The outcome that begins at a revision, if it is this command's. */
export async function outcomeAt(
  deps: ReadDeps,
  model: Model,
  stream: string,
  revision: number,
  commandId: string,
): Promise<FoundOutcome | undefined> {
  const events: (readonly [RecordedEvent, EventMetadata])[] = []
  let firstRead: number | undefined
  for (let from = revision, more = true; more; ) {
    const page = await deps.store.readStream(stream, { from, limit: 64 })
    firstRead ??= page.events[0]?.revision ?? page.head + 1
    more = !page.end
    for (const recorded of page.events) {
      const metadata = readMetadata(recorded)
      if (metadata.commandId !== commandId) {
        more = false
        break
      }
      events.push([recorded, metadata])
    }
    from += page.events.length
  }
  if (firstRead !== undefined && firstRead > revision) {
    throw unknowable(stream, `command id '${commandId}'`, firstRead)
  }
  const [first] = events
  const last = events.at(-1)
  if (!first || !last) return undefined
  return {
    payloadHash: first[1].payloadHash,
    revision,
    read: async () => {
      const { state } = await activate(deps, model, stream, { revision: last[0].revision })
      const common = { commandId, duplicate: true, state: viewOf(state) }
      if (first[0].type === 'reenact.Rejected') {
        const { guards, reason, details } = decode(first[0].data) as unknown as Refusal
        return { ...common, accepted: false, ...refusalOf({ guards, reason, details }) }
      }
      return { ...common, accepted: true, events: events.flatMap((one) => domainEvent(model, one)) }
    },
  }
}

/** Leaves out what is not there, so that first and repeated answers are alike. */
export const refusalOf = ({
  guards,
  reason,
  details,
}: {
  guards: readonly string[]
  reason: string | undefined
  details: unknown
}): Refusal => ({
  guards,
  ...(reason === undefined ? {} : { reason }),
  ...(details === undefined ? {} : { details }),
})

function domainEvent(
  model: Model,
  [recorded, metadata]: readonly [RecordedEvent, EventMetadata],
): readonly object[] {
  if (recorded.type === 'reenact.NoEffect') return []
  const event = readTyped(model.upcasters, recorded, metadata)
  return event ? [event] : []
}
