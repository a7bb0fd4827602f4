// Questions to the log. Each reads what it needs and nothing else; none needs the incidents in memory.

import type { ActorState, RejectedRecord, Runtime, TimelineEntry } from 'reenact'
import { atItsEnd, Incident } from './incident.ts'

type State = ActorState<typeof Incident>

/** One incident at a moment, and how it came to that. */
export interface Story {
  readonly state: State
  readonly timeline: readonly TimelineEntry<typeof Incident>[]
  /** Whether the log knows it at all, at whatever time. */
  readonly known: boolean
}

/** How many incidents were in which status. */
export interface StatusCounts {
  readonly total: number
  /** In the order an incident goes through them; those with none are left out. */
  readonly counts: ReadonlyMap<string, number>
}

/** One refused command. */
export interface RefusedCommand {
  readonly incident: string
  readonly time: number
  readonly command: string
  /** The status it met. */
  readonly status: string
  readonly reason: string
  /** What the rule gave as details. */
  readonly details: unknown
}

/** The commands refused for one reason: how many, and the latest of them. */
export interface Refusals {
  readonly reason: string
  readonly count: number
  readonly latest: readonly RefusedCommand[]
}

/** The life of an incident in order, as a reader would tell it. */
const order = [
  'unregistered',
  'registered',
  'queued',
  'assigned',
  'in progress',
  'waiting',
  'reopened',
  'resolved in call',
  'resolved',
  'unmatched',
  'closed',
  'cancelled',
]

/** `inProgress` is `in progress`. */
export const words = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** The innermost state in words: `{ open: 'inProgress' }` is `in progress`. */
export const statusOf = (value: unknown): string =>
  words(String(typeof value === 'object' && value ? Object.values(value)[0] : value))

/** An incident to try questions with, reopened once if the log has such a one, and a time in its life. */
export async function anIncident(
  runtime: Runtime,
): Promise<{ readonly id: string; readonly time: number } | undefined> {
  for (const type of ['Reopened', 'Registered']) {
    const events = runtime.log({ kinds: [Incident.name], types: [type] })
    for await (const { actorId, time } of events) return { id: actorId, time }
  }
  return undefined
}

/** State and timeline of one incident, as of a time or of now. */
export async function storyOf(runtime: Runtime, id: string, at?: Date): Promise<Story> {
  const incident = runtime.actor(Incident, id)
  const [state, timeline] = await Promise.all([
    at ? incident.replay({ at }) : incident.state(),
    incident.timeline(at && { at }),
  ])
  const known = timeline.length > 0 || (await incident.state()).revision >= 0
  return { state, timeline, known }
}

/** Incidents by status, as of a time. Those that did not exist then are not counted. */
export async function statusCounts(runtime: Runtime, at: Date): Promise<StatusCounts> {
  const found = new Map<string, number>()
  let total = 0
  for await (const { state, error } of runtime.replayAll(Incident, { at })) {
    if (error) throw error
    const status = statusOf(state.value)
    found.set(status, (found.get(status) ?? 0) + 1)
    total += 1
  }
  const place = (status: string): number => order.indexOf(status)
  return { total, counts: new Map([...found].sort(([a], [b]) => place(a) - place(b))) }
}

/** Which commands were refused and why, the commonest reason first. `examplesMax` bounds the lists. */
export async function refusals(
  runtime: Runtime,
  examplesMax: number,
): Promise<readonly Refusals[]> {
  const byReason = new Map<string, { reason: string; count: number; latest: RefusedCommand[] }>()
  const records = runtime.log({ kinds: [Incident.name], types: ['reenact.Rejected'] })
  for await (const { actorId, time, data } of records) {
    const { command, state, reason = atItsEnd, details } = data as unknown as RejectedRecord
    const group = byReason.get(reason) ?? { reason, count: 0, latest: [] }
    byReason.set(reason, group)
    group.count += 1
    const status = statusOf(state)
    group.latest.push({ incident: actorId, time, command: command.type, status, reason, details })
    if (group.latest.length > examplesMax) group.latest.shift()
  }
  return [...byReason.values()].sort(
    (a, b) => b.count - a.count || a.reason.localeCompare(b.reason),
  )
}
