// When which process has something to do again: oldest first, at a bounded rate, and spread where many are late.

import TinyQueue from 'tinyqueue'
import type { Ports } from '../../runtime/core/clock.ts'

interface Wake {
  readonly id: string
  readonly dueAt: number
}

const tickMs = 100
/** The wall clock may jump: it is looked at no later than after so long. */
const lookMs = 600_000

/** How much at once. */
export interface WakeLimits {
  /** Processes woken in a second at most. */
  readonly perSecondMax: number
  /** What is late waits for its turn a little longer, by chance: up to this share of a tick. */
  readonly jitter: number
}

/** One moment for each process. Nothing here is durable: the processes know what they wait for. */
export class WakeQueue {
  readonly #ports: Ports
  readonly #wake: (id: string) => void
  readonly #perTick: number
  readonly #dueAt = new Map<string, number>()
  #queue = new TinyQueue<Wake>([], byTime)
  readonly #jitterMs: number
  #cancel: (() => void) | undefined
  /** Monotonic ms: nothing is woken before. */
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #armedFor = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(ports: Ports, { perSecondMax, jitter }: WakeLimits, wake: (id: string) => void) {
    this.#ports = ports
    this.#jitterMs = jitter * tickMs
    this.#perTick = Math.max(1, Math.round((perSecondMax * tickMs) / 1_000))
    this.#wake = wake
  }

  /** How many are waiting. */
  get size(): number {
    return this.#dueAt.size
  }

  /** Sets the moment of a process; `Infinity`: none. */
  set(id: string, dueAt: number): void {
    if (this.#dueAt.get(id) === dueAt) return
    if (dueAt === Number.POSITIVE_INFINITY) {
      this.#dueAt.delete(id)
      return
    }
    this.#dueAt.set(id, dueAt)
    this.#queue.push({ id, dueAt })
    this.#compact()
    if (dueAt < this.#armedFor) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** What was set anew leaves its old entry behind: too many of these are thrown away. */
  #compact(): void {
    if (this.#queue.length < 2 * this.#dueAt.size + 1_024) return
    const wakes = [...this.#dueAt].map(([id, dueAt]) => ({ id, dueAt }))
    this.#queue = new TinyQueue(wakes, byTime)
  }

  #arm(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const next = this.#queue.peek()
    if (!next || this.#stopped) return
    this.#armedFor = next.dueAt
    const { clock } = this.#ports
    const dueInMs = next.dueAt - clock.now()
    const nowMs = clock.monotonic()
    // Late: after downtime all workers begin at the same moment, and what they depend on would get it all at once.
    if (dueInMs <= 0 && this.#notBeforeMs <= nowMs) this.#pause(0)
    const waitMs = Math.max(this.#notBeforeMs - nowMs, dueInMs)
    const delayMs = Math.min(Math.max(0, waitMs), lookMs)
    this.#cancel = this.#ports.timers.after(delayMs, () => this.#drain(), { background: true })
  }

  #pause(ms: number): void {
    const { clock, random } = this.#ports
    this.#notBeforeMs = clock.monotonic() + ms + random.next() * this.#jitterMs
  }

  #drain(): void {
    const nowMs = this.#ports.clock.now()
    let left = this.#perTick
    for (let next = this.#queue.peek(); next && next.dueAt <= nowMs && left > 0; ) {
      this.#queue.pop()
      if (this.#dueAt.get(next.id) === next.dueAt) {
        this.#dueAt.delete(next.id)
        this.#wake(next.id)
        left -= 1
      }
      next = this.#queue.peek()
    }
    if (left === 0) this.#pause(tickMs)
    this.#arm()
  }
}

const byTime = (a: Wake, b: Wake): number => a.dueAt - b.dueAt
