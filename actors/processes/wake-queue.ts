// When which process has something to do again: oldest first, at a bounded rate.

import TinyQueue from 'tinyqueue'
import type { Ports } from '../../runtime/core/clock.ts'

interface Wake {
  readonly id: string
  readonly dueAt: number
}

const tickMs = 100
/** The wall clock may jump: it is looked at no later than after so long. */
const lookMs = 600_000

/** One moment for each process. Nothing here is durable: the processes know what they wait for. */
export class WakeQueue {
  readonly #ports: Ports
  readonly #wake: (id: string) => void
  readonly #perTick: number
  readonly #dueAt = new Map<string, number>()
  #queue = new TinyQueue<Wake>([], byTime)
  #cancel: (() => void) | undefined
  #armedFor = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(ports: Ports, perSecondMax: number, wake: (id: string) => void) {
    this.#ports = ports
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
    if (dueAt < this.#armedFor) this.#arm(0)
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

  #arm(atLeastMs: number): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const next = this.#queue.peek()
    if (!next || this.#stopped) return
    this.#armedFor = next.dueAt
    const waitMs = Math.max(atLeastMs, next.dueAt - this.#ports.clock.now())
    const delayMs = Math.min(Math.max(0, waitMs), lookMs)
    this.#cancel = this.#ports.timers.after(delayMs, () => this.#drain(), { background: true })
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
    this.#arm(left === 0 ? tickMs : 0)
  }
}

const byTime = (a: Wake, b: Wake): number => a.dueAt - b.dueAt
