// The backlog as a read model: which incidents are open, with which team, since which week.

import { documents, projection, type Runtime } from 'reenact'
import { Incident } from './incident.ts'

/** An incident, as far as the backlog is concerned. */
export interface Row {
  readonly team: string
  /** The ISO week in which it was opened or reopened: `2012-W05`. */
  readonly week: string
  readonly open: boolean
}

/** Every incident with its team and week; a question to the open ones is answered by an index. */
export const Backlog = projection('backlog', {
  from: Incident,
  view: documents<Row>({ indexes: ['open'] }),
  on: {
    Registered: ({ team }, view, { actorId, time }) =>
      view.put(actorId, { team, week: weekOf(time), open: true }),
    HandedOver: ({ team }, view, { actorId }) => view.patch(actorId, { team }),
    Escalated: ({ team }, view, { actorId }) => view.patch(actorId, { team }),
    Reopened: (_, view, { actorId, time }) =>
      view.patch(actorId, { week: weekOf(time), open: true }),
    Resolved: (_, view, { actorId }) => view.patch(actorId, { open: false }),
    ResolvedInCall: (_, view, { actorId }) => view.patch(actorId, { open: false }),
    Cancelled: (_, view, { actorId }) => view.patch(actorId, { open: false }),
  },
})

const dayMs = 86_400_000

/** The ISO week of a time, in UTC: weeks begin on Monday and belong to the year of their Thursday. */
export function weekOf(time: number): string {
  const weekday = (new Date(time).getUTCDay() + 6) % 7
  const thursday = new Date(time + (3 - weekday) * dayMs)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

/** The open incidents of one team. */
export interface TeamBacklog {
  readonly team: string
  readonly open: number
  /** How many by the week they were opened in, the oldest first. */
  readonly weeks: ReadonlyMap<string, number>
}

/**
 * The backlog of each team, the longest first; as of a time, or now.
 *
 * @param onProgress - hears how much of the log is in the read model, 0 to 1
 */
export async function backlogOf(
  runtime: Runtime,
  at?: Date,
  onProgress: (share: number, events: number) => void = () => {},
): Promise<readonly TeamBacklog[]> {
  if (at) {
    const then = await runtime.view(Backlog).asOf(at)
    const rows = await then.find({ where: { open: true }, limit: 1_000_000 })
    await then.close()
    return byTeam(rows.map(({ document }) => document))
  }
  await runtime.project([Backlog])
  for (;;) {
    const [status] = await runtime.projections.status()
    if (status?.state === 'stopped') throw status.lastError?.error
    const { position = 0, lag } = status ?? {}
    const behind = lag?.events ?? 0
    onProgress(position / (position + behind || 1), position)
    if (status?.state === 'live' && behind === 0) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const rows = await runtime.view(Backlog).find({ where: { open: true }, limit: 1_000_000 })
  return byTeam(rows.map(({ document }) => document))
}

function byTeam(rows: readonly Row[]): readonly TeamBacklog[] {
  const teams = new Map<string, Map<string, number>>()
  for (const { team, week } of rows) {
    const weeks = teams.get(team) ?? new Map<string, number>()
    weeks.set(week, (weeks.get(week) ?? 0) + 1)
    teams.set(team, weeks)
  }
  return [...teams]
    .map(([team, weeks]) => ({
      team,
      open: [...weeks.values()].reduce((sum, number) => sum + number, 0),
      weeks: new Map([...weeks].sort(([a], [b]) => (a < b ? -1 : 1))),
    }))
    .sort((a, b) => b.open - a.open || (a.team < b.team ? -1 : 1))
}
