// Pages of a stream and of the log through the client.

import type { ReadRevision, ResolvedEvent } from '@eventstore/db-client'
import { categoryOf } from '../../core/stream-name.ts'
import type {
  LogPage,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
  StreamPage,
} from '../../ports/event-store.ts'
import { logRange, matches, streamRange } from '../read-options.ts'
import { impossible, send } from './appending.ts'
import type { Connection } from './connection.ts'
import { fromClient } from './event-mapping.ts'

/** The client's streams are slow where they wait for each event. */
const highWaterMark = 1_024

/** Events looked at for a page where few of them may be wanted. */
const filteredMax = 1_024

/** The prefix of streams that hold state rather than events. */
export const statePrefix = 'reenact.'

/** A stream of the client: what it reads, whatever it reads. */
interface ClientStream {
  on(event: 'data', listener: (resolved: ResolvedEvent) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  cancel(): Promise<void>
}

/** The last revision of a stream and whether it is deleted, where its events do not tell. */
type Status = Pick<StreamPage, 'head' | 'deleted'>

/** Reads one page of a stream. */
export function readStream(
  connection: Connection,
  stream: string,
  options?: ReadStreamOptions,
): Promise<StreamPage> {
  const { direction, from, limit } = streamRange(options)
  const backwards = direction === 'backwards'
  const fromEnd = backwards && from === Number.MAX_SAFE_INTEGER
  // The event before is read too: where it is the last, nothing else has to be asked.
  const first = backwards || from === 0 ? from : from - 1
  return connection.insistently(async () => {
    let read: RecordedEvent[]
    try {
      // One more than asked for tells whether this is the end.
      read = await revisions(
        connection,
        stream,
        fromEnd ? 'end' : BigInt(first),
        limit + 1 + Math.abs(from - first),
        backwards,
      )
    } catch (error) {
      if (typeOf(error) === 'stream-not-found') {
        const status = options?.eventsOnly ? unwritten : await statusOf(connection, stream)
        return { events: [], end: true, ...status }
      }
      if (typeOf(error) === 'stream-deleted') return tombstone
      throw error
    }
    if (first < from && read[0]?.revision === first) {
      if (read.length === 1) return { events: [], head: first, deleted: 'no', end: true }
      read = read.slice(1)
    }
    const end = read.length <= limit
    const events = end ? read : read.slice(0, limit)
    const outermost = backwards ? read[0] : read.at(-1)
    const isHead = outermost && (backwards ? fromEnd || outermost.revision < from : end)
    if (isHead) return { events, head: outermost.revision, deleted: 'no', end }
    const [last] = await revisions(connection, stream, 'end', 1, true)
    if (last) return { events, head: last.revision, deleted: 'no', end }
    return { events, end, ...(await statusOf(connection, stream)) }
  })
}

/** Reads one page of the log. Streams of the server and of state are no part of it. */
export function readAll(connection: Connection, options?: ReadAllOptions): Promise<LogPage> {
  const { direction, beyond, limit, filter } = logRange(options)
  const backwards = direction === 'backwards'
  // The client cannot filter a read: look further at once than the page is long.
  const lookMax = filter ? Math.max(limit, filteredMax) : limit
  return connection.insistently(async () => {
    // Forwards a position is inclusive on the wire, backwards it is not.
    const place =
      backwards && beyond === Number.MAX_SAFE_INTEGER
        ? 'end'
        : positionOf(backwards ? beyond : beyond + 1)
    const { client } = connection
    const records = await collect(connection, () =>
      client.readAll(
        {
          fromPosition: place,
          direction: direction,
          maxCount: lookMax + 1,
          requiresLeader: true,
        },
        { highWaterMark },
      ),
    )
    const isWanted = ({ stream, type }: RecordedEvent): boolean =>
      !isHidden(stream) && matches(filter, stream, categoryOf(stream), type)
    const events: RecordedEvent[] = []
    let looked = 0
    while (looked < Math.min(records.length, lookMax) && events.length < limit) {
      const record = records[looked] as RecordedEvent
      if (isWanted(record)) events.push(record)
      looked += 1
    }
    const last = records[looked - 1]?.position
    const position = last ?? (backwards && place === 'end' ? 0 : beyond)
    return { events, position, end: looked === records.length }
  })
}

/** The position of the last event of the log, 0 for none. */
export async function logEnd(connection: Connection): Promise<number> {
  return (await readAll(connection, { direction: 'backwards', limit: 1 })).position
}

/** Whether a stream belongs to the server or to Reenact's state. */
export const isHidden = (stream: string): boolean =>
  stream.startsWith('$') || stream.startsWith(statePrefix)

/** A place in the log as the client has it. */
export const positionOf = (position: number): { commit: bigint; prepare: bigint } => ({
  commit: BigInt(position),
  prepare: BigInt(position),
})

/** The kind of an error of the client. */
export const typeOf = (error: unknown): string | undefined =>
  (error as { type?: string } | null)?.type

const unwritten: Status = { head: -1, deleted: 'no' }
const tombstone: StreamPage = { events: [], head: -1, deleted: 'tombstone', end: true }

function revisions(
  connection: Connection,
  stream: string,
  fromRevision: ReadRevision,
  maxCount: number,
  backwards: boolean,
): Promise<RecordedEvent[]> {
  return collect(connection, () =>
    connection.client.readStream(
      stream,
      {
        fromRevision,
        maxCount,
        direction: backwards ? 'backwards' : 'forwards',
        requiresLeader: true,
      },
      { highWaterMark },
    ),
  )
}

/**
 * The events of a finite read. One that ends without its end, and one on which nothing comes for too long, has
 * failed. Links are taken as what they are.
 */
const collect = (connection: Connection, begin: () => ClientStream): Promise<RecordedEvent[]> =>
  connection.reading(() => collected(connection, begin()))

function collected(connection: Connection, stream: ClientStream): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  return new Promise((resolve, reject) => {
    let seen = -1
    let cancel = () => {}
    const watch = () => {
      if (seen === events.length) {
        void stream.cancel()
        reject(
          connection.unavailable('silent', `a read made no progress in ${connection.timeoutMs} ms`),
        )
        return
      }
      seen = events.length
      cancel = connection.ports.timers.after(connection.timeoutMs, watch)
    }
    watch()
    const settle = (done: () => void) => () => {
      cancel()
      done()
    }
    stream.on('data', (resolved) => {
      const record = resolved.link ?? resolved.event
      if (!record) return
      try {
        events.push(fromClient(connection, record))
      } catch (error) {
        void stream.cancel()
        reject(error)
      }
    })
    stream.on(
      'end',
      settle(() => resolve(events)),
    )
    stream.on('error', (error) => settle(() => reject(error))())
    stream.on(
      'close',
      settle(() => reject(connection.unavailable('unreachable', 'a read was cut off'))),
    )
  })
}

/** What is known of a stream none of whose events can be read. */
async function statusOf(connection: Connection, stream: string): Promise<Status> {
  const { client } = connection
  let metadata: Awaited<ReturnType<typeof client.getStreamMetadata>>
  try {
    metadata = await connection.withinTime(client.getStreamMetadata(stream))
  } catch (error) {
    if (typeOf(error) === 'stream-deleted') return tombstone
    throw error
  }
  if (!metadata.metadata) return unwritten
  const deleted = isDeletedMark(metadata.metadata.truncateBefore) ? 'soft' : 'no'
  return { head: await headOf(connection, stream), deleted }
}

/** Whether `$tb` says that a stream is deleted. */
export const isDeletedMark = (truncateBefore: unknown): boolean =>
  Number(truncateBefore) >= 2 ** 63 - 1024

/** The last revision of a stream: what the server answers to an expectation that cannot hold. */
export function headOf(connection: Connection, stream: string): Promise<number> {
  const probe = { id: probeId, type: 'reenact.Probe', data: '{}', metadata: '' }
  return connection.insistently(async () => {
    const sent = await send(connection, stream, [probe], impossible)
    if (sent.outcome === 'conflict') return sent.actual
    throw 'error' in sent ? sent.error : new Error(`'${stream}' took an impossible append.`)
  })
}

const probeId = '7c6f2a52-3b5e-4f0a-9a44-6a1d8c1e0b7d'
