// Commands a second: durable and in memory, beside what the disk and SQLite allow, and beside others.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Bank, type Load, measureBank, openReenactBank } from './bank.ts'
import { guardedInserts } from './guarantees.ts'
import { type BenchContext, type Figure, type Reach, type Row, rate, type Side } from './measure.ts'
import { preallocatedRate, rawLogRate } from './raw-log.ts'
import { rawInserts } from './sqlite-limit.ts'

const sized = (load: Load, { scale }: BenchContext): Load => ({
  ...load,
  commands: Math.max(1, Math.round(load.commands * scale)),
})

const reenact = (load: Load, durability: 'fsync' | 'memory', reach?: Reach): Side => ({
  name: 'Reenact',
  role: 'reenact',
  durability,
  ...(reach && { reach }),
  run: async (context) => {
    const store = durability === 'fsync' ? `file:${context.file}` : 'memory:'
    return measureBank(await openReenactBank(store), sized(load, context))
  },
})

const rawLog = (load: Load, atLeast: number): Side => ({
  name: 'raw log, one fdatasync a batch',
  role: 'limit',
  durability: 'fsync',
  reach: { atLeast },
  run: (context) => rawLogRate(context.file, sized(load, context).commands, load.inFlight),
})

const rawSqlite = (load: Load, reach?: Reach): Side => ({
  name: `SQLite rows, ${load.inFlight} a commit`,
  role: 'limit',
  durability: 'fsync',
  ...(reach && { reach }),
  run: (context) => {
    const { commands } = sized(load, context)
    return rate(commands, () => rawInserts(context.file, commands, load.inFlight))
  },
})

const guarantees = (load: Load): Side => ({
  name: 'ids, hashes, checksums, rows',
  role: 'limit',
  durability: 'fsync',
  run: (context) => {
    const { accounts, commands, inFlight } = sized(load, context)
    return rate(commands, () => guardedInserts(context.file, accounts, commands, inFlight))
  },
})

const preallocated = (load: Load): Side => ({
  name: 'preallocated file, fdatasync each',
  role: 'limit',
  durability: 'fsync',
  reach: { atLeast: 0.5 },
  run: (context) => preallocatedRate(context.file, sized(load, context).commands),
})

/** What a peer's file exports. They run where they are installed, as plain JavaScript. */
interface PeerFile {
  openBank(file: string | undefined): Promise<Bank>
}

async function peerBank(context: BenchContext, load: Load, file: string, durable: boolean) {
  if (context.peers === undefined) throw new Error('peers run with --peers')
  const url = pathToFileURL(join(context.peers, file)).href
  const { openBank }: PeerFile = await import(url)
  const bank = await openBank(durable ? context.file : undefined)
  return measureBank(bank, sized(load, context))
}

/** Some peers are slow: they get a third of the commands, and streams a third as long. */
const forPeers = (load: Load): Load => ({ ...load, commands: load.commands / 3 })

const peer = (
  name: string,
  file: string,
  durability: 'fsync' | 'memory',
  load: Load,
  reach?: Reach,
): Side => ({
  name,
  role: 'peer',
  durability,
  ...(reach && { reach }),
  run: (context): Promise<Figure> =>
    peerBank(context, forPeers(load), file, durability === 'fsync'),
})

const inMemoryPeers = (load: Load): readonly Side[] => [
  peer('Emmett in memory', 'emmett.mjs', 'memory', load),
  peer('Castore in memory', 'castore.mjs', 'memory', load),
  peer('XState, snapshots in a Map', 'xstate.mjs', 'memory', load),
]

const many: Load = { accounts: 1_000, inFlight: 64, commands: 90_000 }
const most: Load = { accounts: 1_000, inFlight: 256, commands: 90_000 }
const one: Load = { accounts: 1, inFlight: 1, commands: 18_000 }
/** Who reads the whole stream for each command is given a short one. */
const oneForPeers: Load = { ...one, commands: 6_000 }
const crowd: Load = { accounts: 1, inFlight: 64, commands: 60_000 }
const unit = 'commands/s'

/** The loads. */
export const commandRows: readonly Row[] = [
  {
    title: '1,000 actors, 64 in flight, durable',
    unit,
    sides: [
      reenact(many, 'fsync', { atLeast: 30_000 }),
      rawLog(many, 0.5),
      rawSqlite(many, { atLeast: 0.5 }),
      guarantees(many),
      peer('Emmett on SQLite, one connection', 'emmett.mjs', 'fsync', many, { atLeast: 20 }),
      peer('XState, snapshots in SQLite', 'xstate.mjs', 'fsync', many),
      peer('Emmett in memory', 'emmett.mjs', 'memory', many, { atLeast: 1.5 }),
    ],
  },
  {
    title: '1,000 actors, 256 in flight, durable',
    unit,
    sides: [reenact(most, 'fsync'), rawLog(most, 0.35), rawSqlite(most), guarantees(most)],
  },
  {
    title: 'one actor, one at a time, durable',
    unit,
    sides: [
      reenact(one, 'fsync'),
      preallocated(one),
      rawSqlite(one),
      peer('Emmett on SQLite, one connection', 'emmett.mjs', 'fsync', oneForPeers),
      peer('XState, snapshots in SQLite', 'xstate.mjs', 'fsync', oneForPeers),
    ],
  },
  {
    title: 'one actor, 64 in flight, durable',
    unit,
    sides: [reenact(crowd, 'fsync'), rawLog(crowd, 0.5), rawSqlite(crowd), guarantees(crowd)],
  },
  {
    title: '1,000 actors, 64 in flight, in memory',
    unit,
    sides: [reenact(many, 'memory'), ...inMemoryPeers(many)],
  },
  {
    title: 'one actor, one at a time, in memory',
    unit,
    sides: [reenact(one, 'memory'), ...inMemoryPeers(oneForPeers)],
  },
]
