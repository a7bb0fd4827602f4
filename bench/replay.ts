// Reading: replay of one long stream, catching up with the whole log, bringing actors into memory.

import { join } from 'node:path'
import {
  type AnyAggregate,
  type CommandOf,
  createRuntime,
  type Runtime,
  type RuntimeOptions,
} from '../runtime/index.ts'
import { Account, AccountByXState } from './account.ts'
import {
  type BenchContext,
  type Figure,
  median,
  type Row,
  rate,
  type Side,
  scaled,
} from './measure.ts'
import { parse, rowsAlone, rowsParsed } from './reading-limits.ts'
import { report, Sensor } from './sensor.ts'

const longEvents = 1_000_000
const logEvents = 200_000
const parsedEvents = 100_000
export const smallActors = 5_000
const smallEvents = 20
const mediumActors = 100
const mediumEvents = 1_000
const never = 1_000_000_000

const open = (file: string, actors: AnyAggregate[], limits: RuntimeOptions['limits'] = {}) =>
  createRuntime({
    store: `file:${file}`,
    actors,
    limits: { snapshotEvery: never, passivateAfterMs: 3_600_000, timeoutMs: 600_000, ...limits },
  })

/** Sends commands, so many at a time. */
async function send<A extends AnyAggregate>(
  runtime: Runtime,
  kind: A,
  count: number,
  what: (n: number) => readonly [id: string, command: CommandOf<A>],
): Promise<void> {
  const step = 1_000
  for (let first = 0; first < count; first += step) {
    const batch = Array.from({ length: Math.min(step, count - first) }, (_, at) => what(first + at))
    await Promise.all(batch.map(([id, command]) => runtime.actor(kind, id).send(command)))
  }
}

const command = (first: boolean): CommandOf<typeof Account> =>
  first ? { type: 'open', owner: 'Ann' } : { type: 'deposit', amount: 1 }

const longFile = ({ folder }: BenchContext): string => join(folder, 'long.db')

async function prepareLong(context: BenchContext): Promise<void> {
  const runtime = await open(longFile(context), [Account])
  await send(runtime, Account, scaled(longEvents, context), (n) => ['long', command(n === 0)])
  await runtime.close()
}

/** Replays so many events of the long stream. */
async function replay(
  context: BenchContext,
  kind: typeof Account,
  events: number,
): Promise<Figure> {
  const count = scaled(events, context)
  const runtime = await open(longFile(context), [kind])
  const to = async (last: number) => {
    const { revision } = await runtime.actor(kind, 'long').replay({ revision: last })
    if (revision !== last) throw new Error(`replayed to ${revision}`)
  }
  // Until the compiler has done its work.
  await to(Math.ceil(count / 5))
  const figure = await rate(count, () => to(count - 1))
  await runtime.close()
  return figure
}

const logFile = ({ folder }: BenchContext): string => join(folder, 'log.db')

async function prepareLog(context: BenchContext): Promise<void> {
  const runtime = await open(logFile(context), [Sensor])
  await send(runtime, Sensor, scaled(logEvents, context), (n) => [`s${n % 997}`, report(n)])
  await runtime.close()
}

async function catchUp(context: BenchContext, types?: readonly string[]): Promise<Figure> {
  const count = scaled(logEvents, context)
  const runtime = await open(logFile(context), [Sensor])
  const read = async () => {
    let seen = 0
    for await (const { data } of runtime.log(types ? { types } : {})) if (data) seen += 1
    if (seen !== Math.ceil(types ? count / 8 : count)) throw new Error(`saw ${seen} of ${count}`)
  }
  // Until the compiler has done its work.
  await read()
  const figure = await rate(count, read)
  await runtime.close()
  return figure
}

/** Times actors that are not in memory. Answers the median. */
async function activateAll(runtime: Runtime, ids: readonly string[], events: number) {
  const times: number[] = []
  for (const id of ids) {
    const start = performance.now()
    const { revision } = await runtime.actor(Account, id).state()
    times.push((performance.now() - start) * 1000)
    if (revision !== events - 1) throw new Error(`'${id}' is at revision ${revision}`)
  }
  const { activations, snapshotsIgnored } = runtime.metrics()
  if (activations !== ids.length || snapshotsIgnored > 0) throw new Error('not what was meant')
  await runtime.close()
  return { value: median(times) }
}

const mediumFile = ({ folder }: BenchContext): string => join(folder, 'medium.db')

async function prepareMedium(context: BenchContext): Promise<void> {
  const runtime = await open(mediumFile(context), [Account])
  const actors = scaled(mediumActors, context)
  await send(runtime, Account, actors * mediumEvents, (n) => [
    `a${n % actors}`,
    command(n < actors),
  ])
  await runtime.close()
}

async function mediumActivation(context: BenchContext): Promise<Figure> {
  const ids = Array.from({ length: scaled(mediumActors, context) }, (_, id) => `a${id}`)
  return activateAll(await open(mediumFile(context), [Account]), ids, mediumEvents)
}

const bareRows: Side = {
  name: 'bare rows and their checksums',
  role: 'limit',
  run: (context) => rowsAlone(logFile(context), scaled(logEvents, context)),
}

const smallFile = ({ folder }: BenchContext, snapshots: boolean): string =>
  join(folder, snapshots ? 'small-snapshots.db' : 'small.db')

/** Many actors of twenty events each, with and without snapshots. */
export async function prepareSmall(context: BenchContext): Promise<void> {
  await fillSmall(context, false)
  await fillSmall(context, true)
}

async function fillSmall(context: BenchContext, snapshots: boolean): Promise<void> {
  const runtime = await open(smallFile(context, snapshots), [Account], {
    ...(snapshots && { snapshotEvery: smallEvents }),
  })
  const actors = scaled(smallActors, context)
  await send(runtime, Account, actors * smallEvents, (n) => [`a${n % actors}`, command(n < actors)])
  await runtime.close()
}

/** A runtime over them, and their ids. */
export async function openSmall(
  context: BenchContext,
  snapshots: boolean,
): Promise<{ readonly runtime: Runtime; readonly ids: readonly string[] }> {
  const ids = Array.from({ length: scaled(smallActors, context) }, (_, id) => `a${id}`)
  return { runtime: await open(smallFile(context, snapshots), [Account]), ids }
}

/** Time until the state of an actor that is not in memory is known. */
async function activation(context: BenchContext, snapshots: boolean): Promise<Figure> {
  const { runtime, ids } = await openSmall(context, snapshots)
  return activateAll(runtime, ids, smallEvents)
}

/** The ways of reading. */
export const readingRows: readonly Row[] = [
  {
    title: 'replay of one long stream',
    unit: 'events/s',
    prepare: prepareLong,
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        reach: { atLeast: 250_000 },
        run: (context) => replay(context, Account, longEvents),
      },
      {
        name: 'JSON.parse of the events alone',
        role: 'limit',
        reach: { atLeast: 0.5 },
        run: (context) => parse(longFile(context), scaled(parsedEvents, context)),
      },
      {
        name: 'row, checksum and JSON.parse',
        role: 'limit',
        run: (context) => rowsParsed(longFile(context), scaled(longEvents, context)),
      },
    ],
  },
  {
    title: 'replay of one long stream, run by XState',
    unit: 'events/s',
    prepare: prepareLong,
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        run: (context) => replay(context, AccountByXState as typeof Account, longEvents / 10),
      },
      {
        name: 'JSON.parse of the events alone',
        role: 'limit',
        reach: { atLeast: 0.15 },
        run: (context) => parse(longFile(context), scaled(parsedEvents, context)),
      },
    ],
  },
  {
    title: 'catch-up, one type in eight wanted',
    unit: 'events/s',
    prepare: prepareLog,
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        reach: { atLeast: 1_000_000 },
        run: (context) => catchUp(context, ['K0']),
      },
      bareRows,
    ],
  },
  {
    title: 'catch-up, every event parsed',
    unit: 'events/s',
    prepare: prepareLog,
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        reach: { atLeast: 600_000 },
        run: (context) => catchUp(context),
      },
      bareRows,
      {
        name: 'JSON.parse of the events alone',
        role: 'limit',
        run: (context) => parse(logFile(context), scaled(parsedEvents, context)),
      },
    ],
  },
  {
    title: 'activation of a 20-event actor, p50',
    unit: 'µs',
    prepare: prepareSmall,
    sides: [
      {
        name: 'Reenact: from its events',
        role: 'reenact',
        reach: { atMost: 150 },
        run: (context) => activation(context, false),
      },
      {
        name: 'Reenact: from a snapshot',
        role: 'reenact',
        reach: { atMost: 20 },
        run: (context) => activation(context, true),
      },
    ],
  },
  {
    title: 'activation of a 1,000-event actor, p50',
    unit: 'µs',
    prepare: prepareMedium,
    sides: [{ name: 'Reenact: from its events', role: 'reenact', run: mediumActivation }],
  },
]
