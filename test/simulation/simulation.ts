// One seeded run: two processes on one log that goes wrong, commands that come once or more, restarts and crashes.

import {
  type CommandOf,
  createMemoryStore,
  createRuntime,
  type ErrorCode,
  type EventStore,
  isReenactError,
  type Random,
  type RecordedEvent,
  type Runtime,
  type SendResult,
} from '../../runtime/index.ts'
import {
  createFaultyStore,
  createManualPorts,
  createSeededRandom,
  type FaultRates,
  type FaultyStore,
  type ManualPorts,
} from '../../runtime/testing/index.ts'
import { Account } from '../fixtures/account.ts'

export type Command = CommandOf<typeof Account>

/** One command handed to one process, and what its sender heard. */
export interface Delivery {
  readonly actor: string
  readonly commandId: string
  /** The sender chose the id, so the outcome is recorded whatever it is. */
  readonly ownId: boolean
  readonly command: Command
  /** `undefined` while nothing was heard. */
  heard: SendResult<typeof Account> | ErrorCode | undefined
}

/** What a run leaves behind. */
export interface Run {
  readonly deliveries: readonly Delivery[]
  readonly events: readonly RecordedEvent[]
  readonly log: EventStore
  readonly ports: ManualPorts
  /** The whole run as text: equal for equal seeds. */
  readonly text: string
}

/** One process: a runtime and its own view of the log. */
interface Process {
  readonly runtime: Runtime
  readonly store: FaultyStore
  /** Once dead, it neither reads nor writes; what it sent before is still under way. */
  readonly kill: () => void
}

const actors = ['ann', 'bob'] as const

/** Runs one seed to its end: all senders have heard, nothing is under way. */
export async function simulate(seed: number, steps: number, rates: FaultRates): Promise<Run> {
  const ports = createManualPorts({ seed })
  // The script has chance of its own, so that the runtime's use of chance does not change it.
  const random = createSeededRandom(~seed)
  const log = createMemoryStore(ports)
  const processes: Process[] = []
  const all: Process[] = []
  const deliveries: Delivery[] = []
  const sent: Promise<void>[] = []
  const start = async (index: number) => {
    processes[index] = await startProcess(ports, log, random, rates)
    all.push(processes[index])
  }
  await start(0)
  await start(1)
  for (let step = 0; step < steps; step += 1) {
    const process = pick(random, processes)
    const repeatable = random.next() < 0.4 ? deliveries.filter(({ ownId }) => ownId) : []
    const repeated = repeatable.length > 0 ? pick(random, repeatable) : undefined
    const delivery = newDelivery(random, step, repeated)
    deliveries.push(delivery)
    sent.push(deliver(ports, process, delivery, random))
    const roll = random.next()
    if (roll < 0.02) {
      process.kill()
      await start(processes.indexOf(process))
    } else if (roll < 0.04) {
      // Restarted: what it cannot finish within the grace is unknown to its senders.
      sent.push(process.runtime.close({ graceMs: whole(random, 2_000) }))
      await start(processes.indexOf(process))
    } else if (roll < 0.05) {
      await start(processes.indexOf(process)) // Replaced, but it lives on.
    }
    if (random.next() < 0.7) await ports.advance(whole(random, random.next() < 0.1 ? 20_000 : 100))
  }
  for (const { store } of all) store.heal()
  await ports.until(Promise.all(sent))
  await ports.advance(60_000)
  const { events } = await log.readAll({ limit: 100_000 })
  return { deliveries, events, log, ports, text: JSON.stringify({ deliveries, events }) }
}

async function startProcess(
  ports: ManualPorts,
  log: EventStore,
  random: Random,
  rates: FaultRates,
): Promise<Process> {
  const faulty = createFaultyStore(log, { ports, rates, delayMsMax: 3_000 })
  let dead = false
  const mortal = <T extends object>(holder: T): T =>
    new Proxy(holder, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property)
        if (typeof value === 'object' && value !== null) return mortal(value)
        if (typeof value !== 'function') return value
        return dead ? () => new Promise(() => {}) : value.bind(target)
      },
    })
  const runtime = await createRuntime({
    store: mortal<EventStore>(faulty),
    actors: [Account],
    ports,
    limits: {
      snapshotEvery: 1 + whole(random, 12),
      residentMax: 1 + whole(random, 2),
      passivateAfterMs: 1 + whole(random, 2_000),
      timeoutMs: 1 + whole(random, 8_000),
      appendTimeoutMs: 1 + whole(random, 2_000),
      mailboxMax: 1 + whole(random, 10),
      conflictAttemptsMax: 1 + whole(random, 8),
    },
  })
  return {
    runtime,
    store: faulty,
    kill: () => {
      dead = true
    },
  }
}

function newDelivery(random: Random, step: number, repeated: Delivery | undefined): Delivery {
  if (repeated) return { ...repeated, heard: undefined }
  const ownId = random.next() < 0.7
  return {
    actor: pick(random, actors),
    // Without an own id it is what the runtime gave, known once there is an answer.
    commandId: `command ${step}`,
    ownId,
    command: step < 4 ? { type: 'open', owner: `${step}` } : anyCommand(random),
    heard: undefined,
  }
}

function anyCommand(random: Random): Command {
  const roll = random.next()
  const amount = 1 + whole(random, 20)
  if (roll < 0.45) return { type: 'deposit', amount }
  if (roll < 0.9) return { type: 'withdraw', amount }
  if (roll < 0.99) return { type: 'ping' }
  return { type: 'close' }
}

/** Sends, and notes what the sender hears. */
function deliver(
  ports: ManualPorts,
  { runtime }: Process,
  delivery: Delivery,
  random: Random,
): Promise<void> {
  const { actor, command, commandId, ownId } = delivery
  const aborting = new AbortController()
  if (random.next() < 0.1) ports.timers.after(whole(random, 500), () => aborting.abort())
  const sending = runtime.actor(Account, actor).send(command, {
    // A plain send is known by what it says of itself.
    ...(ownId ? { commandId } : { metadata: { plain: commandId } }),
    signal: aborting.signal,
  })
  return sending.then(
    (result) => {
      delivery.heard = result
    },
    (error: unknown) => {
      if (!isReenactError(error)) throw error
      delivery.heard = error.code
    },
  )
}

const whole = (random: Random, max: number): number => Math.floor(random.next() * (max + 1))

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random.next() * from.length)] as T
