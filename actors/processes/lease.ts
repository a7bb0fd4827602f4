// One owner at a time: whoever holds the lease works, the others wait to take over.

import { type Ports, sleep } from '../../runtime/core/clock.ts'
import type { StateStore } from '../../runtime/ports/state-store.ts'

/** How long a lease holds without being renewed, ms. */
export const leaseMs = 10_000

interface LeaseValue {
  readonly owner: string
  /** Empty: it was given back. */
  readonly untilMs: number
}

/** What taking a lease needs. */
export interface LeaseDeps {
  readonly state: StateStore
  readonly ports: Ports
  readonly key: string
  readonly owner: string
  /** Nobody else can hold it: an owner found there is dead. */
  readonly exclusive: boolean
}

/** A lease that is held until it is lost or given back. */
export class Lease {
  /** The owner before went without giving it back. */
  readonly afterCrash: boolean
  readonly #deps: LeaseDeps
  #revision: number
  #ended = false
  #cancel: () => void = () => {}

  private constructor(deps: LeaseDeps, revision: number, afterCrash: boolean) {
    this.#deps = deps
    this.#revision = revision
    this.afterCrash = afterCrash
  }

  /** Waits for its turn. `undefined`: `isStopped` said so before. `onLost` is called when another one took it. */
  static async take(
    deps: LeaseDeps,
    isStopped: () => boolean,
    onLost: () => void,
  ): Promise<Lease | undefined> {
    while (!isStopped()) {
      const { state, key, ports, exclusive } = deps
      const entry = await state.get(key)
      const held = entry && (JSON.parse(entry.value) as LeaseValue)
      const waitMs = held && !exclusive ? held.untilMs - ports.clock.now() : 0
      if (waitMs <= 0) {
        const revision = await state.put(key, text(deps), entry?.revision ?? -1)
        if (revision !== undefined) {
          const lease = new Lease(deps, revision, held !== undefined && held.untilMs > 0)
          lease.#keep(onLost)
          return lease
        }
      }
      const pauseMs = Math.max(10, Math.min(waitMs, leaseMs / 10))
      await sleep(ports.timers, pauseMs, { background: true })
    }
    return undefined
  }

  /** Gives it back, so that the next owner need not wait. */
  async release(): Promise<void> {
    if (this.#ended) return
    this.#end()
    const { state, key, owner } = this.#deps
    await state.put(key, JSON.stringify({ owner, untilMs: 0 }), this.#revision)
  }

  #keep(onLost: () => void): void {
    const { state, key, ports } = this.#deps
    const renew = async (): Promise<void> => {
      const revision = await state.put(key, text(this.#deps), this.#revision).catch(() => undefined)
      if (this.#ended) return
      if (revision === undefined) {
        this.#end()
        onLost()
        return
      }
      this.#revision = revision
      this.#keep(onLost)
    }
    this.#cancel = ports.timers.after(leaseMs / 3, () => void renew(), { background: true })
  }

  #end(): void {
    this.#ended = true
    this.#cancel()
  }
}

const text = ({ owner, ports }: LeaseDeps): string =>
  JSON.stringify({ owner, untilMs: ports.clock.now() + leaseMs } satisfies LeaseValue)
