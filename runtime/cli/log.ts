// `reenact log`: the events of a store as a table, or as JSON Lines for other programs.

import type { Command } from 'commander'
import { readMetadata } from '../codec/metadata.ts'
import { ReenactError } from '../core/errors.ts'
import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { openForReading, takesStore, wholeNumber } from './arguments.ts'
import { counted, print, say, Table, timeText } from './output.ts'

interface LogCommandOptions {
  readonly stream?: string
  readonly type?: readonly string[]
  readonly after?: number
  readonly limit?: number
  readonly json?: true
}

const pageMax = 512
const tableMax = 100

export function define(command: Command): void {
  takesStore(command)
    .description('Shows the events of a store in the order they were committed.')
    .option('--stream <name>', 'only events of this stream')
    .option('--type <type>', 'only events of this type; may be repeated', append)
    .option(
      '--after <n>',
      'only events after this position; with --stream, this revision',
      wholeNumber(0),
    )
    .option(
      '--limit <n>',
      `at most so many events (default: ${tableMax}; with --json, all)`,
      wholeNumber(1),
    )
    .option('--json', 'JSON Lines: one event a line, data and metadata as they are stored')
    .action(show)
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

async function show(storeName: string, options: LogCommandOptions): Promise<void> {
  const { json, stream } = options
  const limit = options.limit ?? (json ? Number.POSITIVE_INFINITY : tableMax)
  const store = await openForReading(storeName)
  try {
    const layout = json ? jsonLines : tableLines()
    let [shown, last] = [0, 0]
    for await (const events of pages(store, options)) {
      const wanted = events.slice(0, limit - shown)
      print(layout(wanted))
      shown += wanted.length
      const end = wanted.at(-1)
      last = (stream === undefined ? end?.position : end?.revision) ?? last
      if (shown >= limit && !json) {
        say(`Stopped after ${counted(shown, 'event')}. For more: --after ${last}, or --limit`)
      }
      if (shown >= limit) return
    }
    if (shown === 0) say('There is no such event.')
  } finally {
    await store.close()
  }
}

/** Pages of what is asked for, none of them empty. */
async function* pages(
  store: EventStore,
  { stream, type, after, limit = pageMax }: LogCommandOptions,
): AsyncGenerator<readonly RecordedEvent[]> {
  let next = after
  for (let end = false; !end; ) {
    let events: readonly RecordedEvent[]
    if (stream === undefined) {
      const filter = type && { filter: { types: type } }
      const read = (size: number) => store.readAll({ after: next ?? 0, limit: size, ...filter })
      ;({ events, end, position: next } = await upToDamage(Math.min(limit, pageMax), read))
    } else {
      const from = next === undefined ? 0 : next + 1
      const page = await upToDamage(pageMax, (size) =>
        store.readStream(stream, { from, limit: size }),
      )
      if (page.head === -1) throw unknownStream(store, stream)
      if (page.deleted !== 'no') say(`'${stream}' was deleted.`)
      end = page.end
      next = page.events.at(-1)?.revision ?? next
      events = type ? page.events.filter((event) => type.includes(event.type)) : page.events
    }
    if (events.length > 0) yield events
  }
}

/** A page, or where that cannot be read its first event alone: all before the damage is shown. */
const upToDamage = <Page>(limit: number, read: (limit: number) => Promise<Page>): Promise<Page> =>
  read(limit).catch(() => read(1))

const unknownStream = (store: EventStore, stream: string): ReenactError =>
  new ReenactError(
    'InvalidName',
    `There is no stream '${stream}' in ${store.name}. See reenact streams --help to list those of a category.`,
    { name: stream, fix: 'list the streams of its category' },
  )

function tableLines(): (events: readonly RecordedEvent[]) => readonly string[] {
  const table = new Table([
    { title: 'position', alignRight: true },
    { title: 'time' },
    { title: 'stream' },
    { title: 'revision', alignRight: true },
    { title: 'type' },
    { title: 'data' },
  ])
  return (events) =>
    table.lines(
      events.map((event) => [
        String(event.position),
        timeText(readMetadata(event).time ?? event.recordedAt),
        event.stream,
        String(event.revision),
        event.type,
        event.data,
      ]),
    )
}

const jsonLines = (events: readonly RecordedEvent[]): readonly string[] =>
  events.map(({ data, metadata, position, stream, revision, id, type, recordedAt }) => {
    const place = JSON.stringify({ position, stream, revision, id, type, recordedAt })
    return `${place.slice(0, -1)},"data":${oneLine(data)},"metadata":${oneLine(metadata)}}`
  })

/** JSON as it is stored, so that no number loses digits; what is no JSON becomes a text. */
function oneLine(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return /[\r\n]/.test(text) ? JSON.stringify(value) : text
  } catch {
    return JSON.stringify(text)
  }
}
