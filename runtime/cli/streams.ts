// `reenact streams`: the streams of a category with their ends.

import type { Command } from 'commander'
import { systemPorts } from '../core/clock.ts'
import { isReenactError } from '../core/errors.ts'
import { categoryOf } from '../core/stream-name.ts'
import type { EventStore } from '../ports/event-store.ts'
import { openForReading, takesStore } from './arguments.ts'
import { count, print, say, Table, timeText } from './output.ts'
import { startProgress } from './progress.ts'

interface StreamsOptions {
  readonly category?: string
  readonly json?: true
}

/** The end of a stream, or why it cannot be read. */
interface StreamEnd {
  readonly stream: string
  readonly revision?: number
  readonly type?: string
  /** When the store took its last event, ms since the epoch. */
  readonly recordedAt?: number
  readonly error?: string
}

const pageMax = 512

export function define(command: Command): void {
  takesStore(command)
    .description(
      'Shows the streams of a category: their last revision, and what happened last. Without a category, which there are.',
    )
    .option(
      '--category <name>',
      "what stands before the first dash: an aggregate's name such as account",
    )
    .option('--json', 'JSON Lines: one stream a line')
    .action(show)
}

async function show(storeName: string, { category, json }: StreamsOptions): Promise<void> {
  const store = await openForReading(storeName)
  try {
    if (category === undefined) await showCategories(store, json)
    else await showStreams(store, category, json)
  } finally {
    await store.close()
  }
}

/** Found by reading the log: stores keep no list of them. */
async function showCategories(store: EventStore, json?: true): Promise<void> {
  const [last] = (await store.readAll({ direction: 'backwards', limit: 1 })).events
  const progress = startProgress(last?.position ?? 0, 'events', systemPorts.clock)
  const events = new Map<string, number>()
  try {
    for (let after = 0, end = false; !end; ) {
      const page = await store.readAll({ after, limit: pageMax })
      for (const { stream } of page.events) {
        const category = categoryOf(stream)
        if (!stream.startsWith('$')) events.set(category, (events.get(category) ?? 0) + 1)
      }
      after = page.position
      end = page.end
      progress.update(after)
      await systemPorts.timers.turn()
    }
  } finally {
    progress.stop()
  }
  const rows = [...events].sort(([a], [b]) => (a < b ? -1 : 1))
  if (json)
    return print(rows.map(([category, count]) => JSON.stringify({ category, events: count })))
  if (rows.length === 0) return say('There are no events.')
  const table = new Table([{ title: 'category' }, { title: 'events', alignRight: true }])
  print(table.lines(rows.map(([category, number]) => [category, count(number)])))
  say(`The streams of one: --category ${rows[0]?.[0]}`)
}

async function showStreams(store: EventStore, category: string, json?: true): Promise<void> {
  const table = new Table([
    { title: 'stream' },
    { title: 'revision', alignRight: true },
    { title: 'last recorded' },
    { title: 'last event' },
  ])
  let after: string | undefined
  do {
    const options = { category, limit: pageMax, ...(after !== undefined && { after }) }
    const names = await store.listStreams(options)
    if (after === undefined && names.length === 0) say(`There is no stream of '${category}'.`)
    const ends = await Promise.all(names.map((name) => endOf(store, name)))
    if (ends.some(({ error }) => error !== undefined)) process.exitCode = 1
    if (json) print(ends.map((end) => JSON.stringify(end)))
    else if (names.length > 0) print(table.lines(ends.map(cells)))
    after = names.at(-1)
  } while (after !== undefined)
}

async function endOf(store: EventStore, stream: string): Promise<StreamEnd> {
  try {
    const page = await store.readStream(stream, { direction: 'backwards', limit: 1 })
    const [last] = page.events
    return { stream, revision: page.head, ...(last && pick(last)) }
  } catch (error) {
    if (!isReenactError(error)) throw error
    return { stream, error: error.message }
  }
}

const pick = ({ type, recordedAt }: { type: string; recordedAt: number }) => ({ type, recordedAt })

const cells = ({
  stream,
  revision,
  type = '',
  recordedAt,
  error,
}: StreamEnd): readonly string[] => [
  stream,
  revision === undefined ? '' : String(revision),
  recordedAt === undefined ? '' : timeText(recordedAt),
  error ?? type,
]
