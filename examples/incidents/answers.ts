// What the answers look like to people.

import pc from 'picocolors'
import type { TimelineEntry } from 'reenact'
import type { TeamBacklog } from './backlog.ts'
import type { ImportReport } from './import-log.ts'
import { atItsEnd, type Incident } from './incident.ts'
import { type Refusals, type StatusCounts, type Story, statusOf, words } from './questions.ts'
import { bar, count, table, timeText } from './table.ts'

type Entry = TimelineEntry<typeof Incident>

/** One incident: what is known of it, and its timeline. */
export function storyLines(id: string, { state, timeline }: Story, at: Date): readonly string[] {
  const { context, value } = state
  const facts = Object.entries(context).filter(([, known]) => known !== null)
  const width = Math.max(...facts.map(([name]) => words(name).length))
  return [
    `Incident ${pc.bold(id)} was ${pc.bold(statusOf(value))} at ${timeText(at)}`,
    '',
    ...facts.map(([name, known]) => `  ${pc.dim(words(name).padEnd(width))}  ${String(known)}`),
    '',
    ...table(
      [
        { title: 'time', paint: pc.dim },
        { title: 'event', paint: pc.bold },
        { title: 'from → to' },
        { title: 'what changed' },
      ],
      timeline.map((entry) => [timeText(entry.time), ...entryCells(entry)]),
    ),
  ]
}

function entryCells({ event, before, after, changes }: Entry): readonly string[] {
  const [from, to] = [statusOf(before.value), statusOf(after.value)]
  if (event.type === 'reenact.Rejected') {
    const { command, reason } = event
    return [`✗ ${words(command.type)}`, from, `refused: ${reason ?? atItsEnd}`]
  }
  if (event.type === 'reenact.NoEffect') return [`= ${words(event.command.type)}`, from, '']
  return [event.type, from === to ? from : `${from} → ${to}`, changesText(changes)]
}

const changesText = (changes: Entry['changes']): string =>
  changes
    .filter(({ path }) => path.startsWith('context.'))
    .map(({ path, before, after }) => {
      const name = words(path.slice('context.'.length))
      return before === null
        ? `${name} ${String(after)}`
        : `${name} ${String(before)} → ${String(after ?? '–')}`
    })
    .join(', ')

/** How many incidents were in which status. */
export function statusLines({ total, counts }: StatusCounts, at: Date): readonly string[] {
  const most = Math.max(...counts.values())
  return [
    `${pc.bold(count(total))} incidents at ${timeText(at)}`,
    '',
    ...table(
      [
        { title: 'status' },
        { title: 'incidents', align: 'right', paint: pc.bold },
        { title: 'share', align: 'right' },
        { title: '', paint: pc.cyan },
      ],
      [...counts].map(([status, number]) => [
        status,
        count(number),
        `${((number / total) * 100).toFixed(1)} %`,
        bar(number / most),
      ]),
    ),
  ]
}

const weeksShownMax = 4

/** Open incidents by team and the week they were opened in. */
export function backlogLines(
  teams: readonly TeamBacklog[],
  at: Date,
  teamsMax: number,
): readonly string[] {
  const total = teams.reduce((sum, { open }) => sum + open, 0)
  const most = teams[0]?.open ?? 1
  const rest = teams.length - teamsMax
  return [
    `${pc.bold(count(total))} incidents of ${count(teams.length)} teams were open at ${timeText(at)}`,
    '',
    ...table(
      [
        { title: 'team' },
        { title: 'open', align: 'right', paint: pc.bold },
        { title: '', paint: pc.cyan },
        { title: 'opened in, the oldest first', paint: pc.dim },
      ],
      teams
        .slice(0, teamsMax)
        .map(({ team, open, weeks }) => [
          team,
          count(open),
          bar(open / most, 12),
          weeksText(weeks),
        ]),
    ),
    ...(rest > 0 ? ['', pc.dim(`and ${count(rest)} more teams: --limit shows more`)] : []),
  ]
}

function weeksText(weeks: ReadonlyMap<string, number>): string {
  const shown = [...weeks].slice(0, weeksShownMax).map(([week, number]) => `${week} ${number}`)
  return `${shown.join(', ')}${weeks.size > weeksShownMax ? ', …' : ''}`
}

/** Refused commands by reason, then examples of each. */
export function refusalLines(refusals: readonly Refusals[]): readonly string[] {
  if (refusals.length === 0) return ['No command was refused.']
  const total = refusals.reduce((sum, { count: number }) => sum + number, 0)
  return [
    `${pc.bold(count(total))} ${total === 1 ? 'command was' : 'commands were'} refused`,
    '',
    ...table(
      [{ title: 'reason' }, { title: 'commands', align: 'right', paint: pc.bold }],
      refusals.map(({ reason, count: number }) => [reason, count(number)]),
    ),
    '',
    'The latest of each',
    '',
    ...table(
      [
        { title: 'time', paint: pc.dim },
        { title: 'incident' },
        { title: 'command', paint: pc.bold },
        { title: 'status then' },
        { title: 'refused because' },
      ],
      refusals
        .flatMap(({ latest }) => latest)
        .map(({ time, incident, command, status, reason, details }) => [
          timeText(time),
          incident,
          words(command),
          status,
          details === undefined ? reason : `${reason} ${JSON.stringify(details)}`,
        ]),
    ),
  ]
}

/** What an import did. */
export function importLines(report: ImportReport, seconds: number): readonly string[] {
  const refused = [...report.rejected.values()].reduce((sum, number) => sum + number, 0)
  const handled = report.accepted + refused + report.duplicates + report.invalid
  const rows: (readonly [string, number, string])[] = [
    ['accepted', report.accepted, `${count(report.unchanged)} of them told nothing new`],
    ['refused', refused, reasonsText(report.rejected)],
    ['invalid', report.invalid, ''],
    ['already imported', report.duplicates, 'by an import that was cut off'],
  ]
  return [
    `${pc.bold(count(handled))} lines in ${seconds.toFixed(1)} s, ${count(Math.round(handled / seconds))} a second`,
    '',
    ...table(
      [
        { title: 'outcome' },
        { title: 'lines', align: 'right', paint: pc.bold },
        { title: '', paint: pc.dim },
      ],
      rows
        .filter(([, number]) => number > 0)
        .map(([name, number, how]) => [name, count(number), how]),
    ),
  ]
}

const reasonsText = (reasons: ReadonlyMap<string, number>): string =>
  [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, number]) => `${count(number)} ${reason}`)
    .join(', ')
