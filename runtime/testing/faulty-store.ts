// A store whose appends go wrong on purpose, by chance from a seed or by a script.

import type { Ports } from '../core/clock.ts'
import { sleep } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import type {
  AppendOptions,
  AppendOutcome,
  EventStore,
  EventToAppend,
} from '../ports/event-store.ts'

/** What may go wrong with one append. */
export type Fault =
  /** Nothing. For scripts. */
  | { readonly kind: 'none' }
  /** The request never arrives; the answer is unknown. */
  | { readonly kind: 'drop' }
  /** The request is carried out; the answer is unknown all the same. */
  | { readonly kind: 'lose-reply' }
  /** The answer is unknown at once; the request is carried out later, perhaps after it was sent again. */
  | { readonly kind: 'late'; readonly delayMs: number }
  /** The answer is right, but comes later, as the request arrives later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** The promise rejects, which the port forbids; `arrives` says whether the request was carried out. */
  | { readonly kind: 'reject'; readonly arrives: boolean }
  /** The promise never settles; `arrives` says whether the request was carried out. */
  | { readonly kind: 'hang'; readonly arrives: boolean }
  /** Definitely not written. Default error: `DiskFull`. */
  | { readonly kind: 'refuse'; readonly error?: ReenactError }

/** A kind of {@link Fault}. */
export type FaultKind = Fault['kind']

/** How often each fault comes, 0 to 1; together at most 1. `slow-read` is how often a read waits. */
export type FaultRates = { readonly [Kind in Exclude<FaultKind, 'none'> | 'slow-read']?: number }

/** Options of {@link createFaultyStore}. */
export interface FaultyStoreOptions {
  /** Chance and waiting. With manual ports a run repeats. */
  readonly ports: Pick<Ports, 'random' | 'timers'>
  /** How often each fault comes by chance. Default: never. */
  readonly rates?: FaultRates
  /** Longest delay drawn by chance, ms. Default 1,000. */
  readonly delayMsMax?: number
}

/** A store with faults. Make it with {@link createFaultyStore}. */
export interface FaultyStore extends EventStore {
  /**
   * Faults of the next appends, in order; they come before chance is asked.
   *
   * @example
   * ```ts
   * store.script({ kind: 'drop' }, { kind: 'refuse' }) // the next append, then the one after it
   * ```
   */
  script(...faults: readonly Fault[]): void
  /**
   * No more faults by chance, nor those of the script that are left. What is under way still arrives.
   *
   * @example
   * ```ts
   * store.heal()
   * await ports.runAll() // late requests arrive
   * ```
   */
  heal(): void
  /** Appends so far, each attempt counted. */
  readonly appends: number
  /** Appends by what went wrong with them. */
  readonly faults: Readonly<Record<FaultKind, number>>
  /** Requests under way that nobody waits for any more. */
  readonly outstanding: number
}

/**
 * Wraps a store so that its appends fail in every way an append can: reply lost, request dropped, request late,
 * rejecting, never settling, refused. Everything else passes through.
 *
 * @example
 * ```ts
 * const ports = createManualPorts({ seed: 3 })
 * const store = createFaultyStore(createMemoryStore(ports), { ports, rates: { 'lose-reply': 0.1, drop: 0.1 } })
 * store.script({ kind: 'late', delayMs: 500 }) // the next append, whatever chance says
 * ```
 */
export const createFaultyStore = (inner: EventStore, options: FaultyStoreOptions): FaultyStore =>
  new Faulty(inner, options)

class Faulty implements FaultyStore {
  readonly name: string
  readonly supports: EventStore['supports']
  readonly state: EventStore['state']
  readonly groups: EventStore['groups']
  readonly faults: Record<FaultKind, number> = {
    none: 0,
    drop: 0,
    'lose-reply': 0,
    late: 0,
    slow: 0,
    reject: 0,
    hang: 0,
    refuse: 0,
  }
  appends = 0
  outstanding = 0
  readonly #inner: EventStore
  readonly #ports: FaultyStoreOptions['ports']
  readonly #delayMsMax: number
  #rates: FaultRates
  #script: Fault[] = []

  constructor(inner: EventStore, { ports, rates = {}, delayMsMax = 1_000 }: FaultyStoreOptions) {
    this.#inner = inner
    this.#ports = ports
    this.#rates = rates
    this.#delayMsMax = delayMsMax
    this.name = `faulty ${inner.name}`
    this.supports = inner.supports
    this.state = inner.state
    this.groups = inner.groups
  }

  script(...faults: readonly Fault[]): void {
    this.#script.push(...faults)
  }

  heal(): void {
    this.#rates = {}
    this.#script = []
  }

  append(
    stream: string,
    events: readonly EventToAppend[],
    options: AppendOptions,
  ): Promise<AppendOutcome> {
    const fault = this.#script.shift() ?? this.#draw()
    this.appends += 1
    this.faults[fault.kind] += 1
    return this.#suffer(fault, () => this.#inner.append(stream, events, options))
  }

  async readStream(...given: Parameters<EventStore['readStream']>) {
    await this.#delayRead()
    return this.#inner.readStream(...given)
  }

  async readAll(...given: Parameters<EventStore['readAll']>) {
    await this.#delayRead()
    return this.#inner.readAll(...given)
  }

  readonly subscribe: EventStore['subscribe'] = (options) => this.#inner.subscribe(options)
  readonly listStreams: EventStore['listStreams'] = (options) => this.#inner.listStreams(options)
  readonly streamMetadata: EventStore['streamMetadata'] = (stream) =>
    this.#inner.streamMetadata(stream)
  readonly setStreamMetadata: EventStore['setStreamMetadata'] = (stream, metadata) =>
    this.#inner.setStreamMetadata(stream, metadata)
  readonly deleteStream: EventStore['deleteStream'] = (stream) => this.#inner.deleteStream(stream)
  readonly tombstoneStream: EventStore['tombstoneStream'] = (stream) =>
    this.#inner.tombstoneStream(stream)
  readonly close: EventStore['close'] = () => this.#inner.close()

  async #suffer(fault: Fault, arrive: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    switch (fault.kind) {
      case 'none':
        return arrive()
      case 'drop':
        return unknown('the request was dropped')
      case 'lose-reply':
        await arrive()
        return unknown('the reply was lost')
      case 'late':
        void this.#arriveLate(fault.delayMs, arrive)
        return unknown('the connection was lost')
      case 'slow':
        await sleep(this.#ports.timers, fault.delayMs)
        return arrive()
      case 'reject':
        if (fault.arrives) await arrive()
        throw new Error('the append failed')
      case 'hang':
        if (fault.arrives) await arrive()
        return new Promise(() => {})
      case 'refuse':
        return { outcome: 'refused', error: fault.error ?? diskFull(this.#inner.name) }
    }
  }

  async #arriveLate(delayMs: number, arrive: () => Promise<unknown>): Promise<void> {
    this.outstanding += 1
    await sleep(this.#ports.timers, delayMs)
    await arrive()
    this.outstanding -= 1
  }

  #draw(): Fault {
    const kinds = Object.keys(this.faults) as FaultKind[]
    let left = this.#anyFault() ? this.#ports.random.next() : 1
    for (const kind of kinds) {
      left -= kind === 'none' ? 0 : (this.#rates[kind] ?? 0)
      if (left < 0) return this.#faultOf(kind)
    }
    return { kind: 'none' }
  }

  #anyFault(): boolean {
    return Object.keys(this.#rates).length > 0
  }

  #faultOf(kind: FaultKind): Fault {
    const { random } = this.#ports
    switch (kind) {
      case 'late':
      case 'slow':
        return { kind, delayMs: Math.floor(random.next() * this.#delayMsMax) }
      case 'reject':
      case 'hang':
        return { kind, arrives: random.next() < 0.5 }
      default:
        return { kind }
    }
  }

  async #delayRead(): Promise<void> {
    const rate = this.#rates['slow-read'] ?? 0
    const { random, timers } = this.#ports
    if (rate === 0 || random.next() >= rate) return
    await sleep(timers, Math.floor(random.next() * this.#delayMsMax))
  }
}

const unknown = (reason: string): AppendOutcome => ({
  outcome: 'unknown',
  error: new Error(reason),
})

const diskFull = (store: string): ReenactError =>
  new ReenactError(
    'DiskFull',
    `The disk of ${store} is full. Nothing was written; free some space and send again.`,
    { file: store },
  )
