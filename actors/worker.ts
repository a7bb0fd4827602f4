// A worker: takes part in one consumer group for each kind of actor and has commands handled by their actors.

import { sleep } from '../runtime/core/clock.ts'
import { isReenactError } from '../runtime/core/errors.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import type { Consumer, Delivery, GroupDefinition } from '../runtime/ports/consumer-groups.ts'
import { Answers } from './answers.ts'
import { Claims } from './claims.ts'
import { commandCategory, streamsOfRelated } from './command-stream.ts'
import { DelayedCommands } from './delayed-commands.ts'
import type { Directory } from './directory.ts'
import type { RetryPolicies } from './failure.ts'
import { ensureGroup, warnAgain, warnLeft } from './group-membership.ts'
import { Isolation } from './isolation.ts'
import { type Decided, Lane, type LaneDeps } from './lane.ts'
import type { Model } from './model.ts'
import { Places } from './place.ts'
import { RestingLanes } from './resting-lanes.ts'
import { type WorkerMetrics, zeroWorkerMetrics } from './worker-metrics.ts'

/** Options of a worker, complete. */
export interface WorkerDeps {
  readonly directory: Directory
  readonly models: readonly Model[]
  /** Prefix of the group names. */
  readonly group: string
  /** Actors handled at the same time. */
  readonly concurrency: number
  readonly retry: RetryPolicies
  /** Names this worker. */
  readonly name: string
  /** Hears of every outcome. */
  readonly decided: Decided
}

/** A running worker. */
export interface Worker {
  /**
   * Counters and levels, a copy.
   *
   * @example
   * ```ts
   * const { handled, parked } = worker.metrics()
   * console.log(`${handled} handled, ${parked} given up`)
   * ```
   */
  metrics(): Readonly<WorkerMetrics>
  /**
   * Takes nothing more, finishes what is being handled, and leaves its groups; the rest goes to other workers.
   * Idempotent.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => worker.stop())
   * ```
   */
  stop(): Promise<void>
}

const pageMax = 128
const rejoinMs = 500

const prefixOf = (kind: string): string => `${commandCategory(kind)}-`

/** The group of a kind of actor. */
export const groupOf = (group: string, kind: string): GroupDefinition => ({
  name: `${group}:${kind}`,
  filter: { streamPrefix: prefixOf(kind) },
  // A delivery is only a signal: the group itself never gives one up.
  settings: { strategy: 'Pinned', retriesMax: Number.POSITIVE_INFINITY, messageTimeoutMs: 10_000 },
})

/** Starts a worker. */
export const startWorker = (deps: WorkerDeps): Worker => new CommandWorker(deps)

class CommandWorker implements Worker {
  readonly #deps: WorkerDeps
  readonly #claims: Claims
  readonly #laneDeps: LaneDeps
  readonly #metrics = zeroWorkerMetrics()
  /** By command stream. */
  readonly #lanes = new Map<string, { lane: Lane; consumer: Consumer }>()
  readonly #resting = new RestingLanes()
  /** Lanes with something to do, in turn. */
  readonly #ready: Lane[] = []
  readonly #answers: Answers
  #stepping = 0
  #stopping = false
  #stopped: Promise<void> | undefined
  #idle: (() => void) | undefined
  #keepAlive: (() => void) | undefined
  readonly #consumers = new Set<Consumer>()
  readonly #pulling: readonly Promise<void>[]
  readonly #delayed: readonly DelayedCommands[]

  constructor(deps: WorkerDeps) {
    this.#deps = deps
    const { directory, group, name, retry, decided } = deps
    const inHand = () => {
      return new Map([...this.#lanes].map(([commands, { lane }]) => [commands, lane.signalled]))
    }
    this.#claims = new Claims(directory.deps.store.state, group, name, inHand)
    this.#answers = new Answers(directory.deps.timers)
    const isolation = new Isolation()
    const metrics = this.#metrics
    const places = new Places(directory)
    const claims = this.#claims
    this.#laneDeps = { directory, places, claims, isolation, retry, metrics, decided, pageMax }
    this.#stayAlive()
    this.#pulling = deps.models.map((model) => this.#pull(model))
    this.#delayed = deps.models.map(({ name }) => new DelayedCommands(directory.deps, group, name))
  }

  metrics(): Readonly<WorkerMetrics> {
    return { ...this.#metrics, lanes: this.#lanes.size }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#stopping = true
    this.#ready.length = 0
    await Promise.all(this.#delayed.map((delayed) => delayed.stop()))
    if (this.#stepping > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    for (const consumer of this.#consumers) consumer.close()
    await Promise.all(this.#pulling)
    this.#keepAlive?.()
    // What cannot be released looks like a crash to the next worker, which is slower and as safe.
    await this.#claims.release().catch(() => {})
  }

  /** Takes part in the group of one kind, and again whenever that ends. */
  async #pull(model: Model): Promise<void> {
    const { ports } = this.#deps.directory.deps
    let claimsRead = false
    while (!this.#stopping) {
      try {
        if (!claimsRead) await this.#claims.refresh()
        claimsRead = true
        const consumer = await this.#join(model)
        try {
          for await (const deliveries of consumer) await this.#accept(model, consumer, deliveries)
        } finally {
          this.#consumers.delete(consumer)
        }
      } catch (error) {
        if (isReenactError(error, 'Closed')) return
        warnLeft(groupOf(this.#deps.group, model.name), error)
      }
      if (!this.#stopping) await sleep(ports.timers, rejoinMs, { background: true })
    }
  }

  async #join(model: Model): Promise<Consumer> {
    const { directory, group, concurrency, name } = this.#deps
    const { groups } = directory.deps.store
    const definition = groupOf(group, model.name)
    await ensureGroup(groups, definition)
    // Each actor holds one delivery, so this is how many actors may wait here.
    const consumer = await groups.consume(definition, { inFlightMax: concurrency * 2, label: name })
    this.#consumers.add(consumer)
    if (this.#stopping) consumer.close()
    return consumer
  }

  /** 1 sort signals into lanes, 2 claim them durably, 3 let the lanes go on. */
  async #accept(model: Model, consumer: Consumer, deliveries: readonly Delivery[]): Promise<void> {
    if (this.#stopping) return
    this.#metrics.deliveries += deliveries.length
    if (deliveries.some(({ retries }) => retries > 0)) await this.#claims.refresh()
    const prefix = prefixOf(model.name)
    const signalled = new Set<Lane>()
    const spare: string[] = []
    for (const delivery of deliveries) {
      const { event, retries } = delivery
      // A group that was made through a server may bring anything of the log.
      if (!event.stream.startsWith(prefix) || this.#resting.isHandled(event)) {
        spare.push(event.id)
        continue
      }
      const lane = this.#laneOf(model, consumer, delivery)
      signalled.add(lane)
      lane.signal(event)
      if (retries > 0) lane.cold = true
      // One delivery is enough to come back to this actor after a crash: the latest.
      const { anchor } = lane
      if (anchor === undefined || event.revision > anchor.revision) {
        if (anchor) spare.push(anchor.id)
        lane.anchor = { id: event.id, revision: event.revision }
      } else if (anchor.id !== event.id) spare.push(event.id)
    }
    if (signalled.size > 0) await this.#claim(signalled)
    if (spare.length > 0) await consumer.ack(spare)
  }

  /** What was signalled may be handled once it is claimed. */
  async #claim(lanes: Iterable<Lane>): Promise<void> {
    const claims = await this.#claims.write()
    for (const lane of lanes) {
      lane.target = Math.max(lane.target, claims.get(lane.streams.commands) ?? -1)
      this.#schedule(lane)
    }
    this.#work()
  }

  #schedule(lane: Lane): void {
    if (lane.scheduled) return
    lane.scheduled = true
    this.#ready.push(lane)
  }

  #laneOf(model: Model, consumer: Consumer, delivery: Delivery): Lane {
    const commands = delivery.event.stream
    const found = this.#lanes.get(commands)
    if (found) {
      // The group was joined again: what the old membership held is answered by the new one.
      if (found.consumer !== consumer) {
        found.consumer = consumer
        found.lane.anchor = undefined
      }
      return found.lane
    }
    const lane =
      this.#resting.take(consumer, delivery) ??
      new Lane(this.#laneDeps, model, streamsOfRelated(model.name, commands))
    this.#lanes.set(commands, { lane, consumer })
    return lane
  }

  #work(): void {
    while (this.#stepping < this.#deps.concurrency && !this.#stopping) {
      const lane = this.#ready.shift()
      if (!lane) return
      this.#stepping += 1
      void this.#step(lane)
    }
  }

  async #step(lane: Lane): Promise<void> {
    try {
      const step = await lane.step()
      lane.scheduled = false
      if (step.next === 'wait') this.#wait(lane, step.delayMs)
      else if (step.next === 'claim') {
        lane.signalled = Math.max(lane.signalled, step.target)
        await this.#claim([lane])
      } else if (step.next === 'more' || lane.target > step.handled) this.#schedule(lane)
      // While more is being claimed the lane stays: its delivery stands for what is to come.
      else if (lane.signalled <= lane.target) await this.#release(lane)
    } catch (error) {
      // Its delivery is not answered: it comes again, here or, when the runtime closes, to the next worker.
      this.#lanes.delete(lane.streams.commands)
      if (!isReenactError(error, 'Closed')) warnAgain(lane.streams.commands, error)
    } finally {
      this.#stepping -= 1
      if (this.#stopping && this.#stepping === 0) this.#idle?.()
      this.#work()
    }
  }

  async #release(lane: Lane): Promise<void> {
    const { commands } = lane.streams
    const entry = this.#lanes.get(commands)
    this.#lanes.delete(commands)
    if (!entry) return
    const { anchor, handled } = lane
    lane.anchor = undefined
    if (handled !== undefined) this.#resting.keep(lane, entry.consumer)
    if (anchor) await this.#answers.ack(entry.consumer, anchor.id)
  }

  #wait(lane: Lane, delayMs: number): void {
    const { timers } = this.#deps.directory.deps.ports
    lane.scheduled = true
    timers.after(delayMs, () => {
      lane.scheduled = false
      if (this.#stopping) return
      this.#schedule(lane)
      this.#work()
    })
  }

  // Waiting for events keeps no process alive, a worker does.
  #stayAlive(): void {
    const { timers } = this.#deps.directory.deps.ports
    this.#keepAlive = timers.after(timerMsMax, () => this.#stayAlive())
  }
}
