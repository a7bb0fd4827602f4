// What workers have in hand, durably: after a crash it shows which commands may have killed the process.
//
// Each worker keeps one entry: the command streams it reads and up to where, written before it begins. What another
// worker's entry names and what is not handled is suspect. Suspects are counted and handled while nothing else runs: first
// what one actor had in hand, and where that kills the process again, its commands one by one. So only the culprit's
// number rises to the end.

import type { StateStore } from '../runtime/ports/state-store.ts'

interface Foreign {
  readonly revision: number
  /** Command stream to the last revision claimed. */
  readonly streams: Map<string, number>
}

/** Attempts at one command, or at several that an actor had in hand. */
export interface Counted {
  readonly from: number
  readonly to: number
  readonly attempts: number
}

const attemptsKey = (commands: string): string => `attempts:${commands}`

/** The claims of one worker and what it knows of the others'. */
export class Claims {
  readonly #state: StateStore
  readonly #prefix: string
  readonly #key: string
  readonly #foreign = new Map<string, Foreign>()
  readonly #inHand: () => ReadonlyMap<string, number>
  #writing: Promise<unknown> = Promise.resolve()
  /** Begins when the one before it has ended. */
  #nextWrite: Promise<ReadonlyMap<string, number>> | undefined

  /** `inHand`: the command streams this worker reads, and up to where. */
  constructor(
    state: StateStore,
    group: string,
    worker: string,
    inHand: () => ReadonlyMap<string, number>,
  ) {
    this.#inHand = inHand
    this.#state = state
    this.#prefix = `claim:${group}:`
    this.#key = `${this.#prefix}${worker}`
  }

  /** Reads what others claim. */
  async refresh(): Promise<void> {
    const keys = (await this.#state.keys(this.#prefix)).filter((key) => key !== this.#key)
    const entries = await Promise.all(keys.map((key) => this.#state.get(key)))
    for (const [at, key] of keys.entries()) {
      const entry = entries[at]
      if (!entry || this.#foreign.get(key)?.revision === entry.revision) continue
      const streams = new Map(JSON.parse(entry.value) as [string, number][])
      this.#foreign.set(key, { revision: entry.revision, streams })
    }
  }

  /** Command streams that others claim. */
  suspects(): readonly string[] {
    return [...this.#foreign.values()].flatMap(({ streams }) => [...streams.keys()])
  }

  /** Whether this command was in the hands of another worker that did not finish it. */
  isSuspect(commands: string, revision: number): boolean {
    for (const { streams } of this.#foreign.values()) {
      if (revision <= (streams.get(commands) ?? -1)) return true
    }
    return false
  }

  /** Everything up to here is handled. Entries with nothing left are removed. */
  async handled(commands: string, revision: number): Promise<void> {
    if (this.#foreign.size === 0) return
    for (const [key, { revision: seen, streams }] of this.#foreign) {
      if (revision >= (streams.get(commands) ?? Number.POSITIVE_INFINITY)) streams.delete(commands)
      if (streams.size > 0) continue
      this.#foreign.delete(key)
      // Unless its worker lives and has claimed something since.
      if ((await this.#state.put(key, '[]', seen)) !== undefined) await this.#state.delete(key)
    }
  }

  /** Writes what this worker has in hand, and nothing else. Answers what is durable. Who waits at the same time shares a write. */
  write(): Promise<ReadonlyMap<string, number>> {
    this.#nextWrite ??= this.#writing.then(async () => {
      this.#nextWrite = undefined
      const inHand = this.#inHand()
      const written = this.#state.put(this.#key, JSON.stringify([...inHand]))
      this.#writing = written.catch(() => {})
      await written
      return inHand
    })
    return this.#nextWrite
  }

  /** Nothing is in hand any more. */
  async release(): Promise<void> {
    await this.#writing
    await this.#state.delete(this.#key)
  }

  /** How often this command was attempted, if it was counted. */
  async counted(commands: string, commandRevision: number): Promise<Counted | undefined> {
    const entry = await this.#state.get(attemptsKey(commands))
    if (!entry) return undefined
    const found = JSON.parse(entry.value) as Counted
    return found.from <= commandRevision && commandRevision <= found.to ? found : undefined
  }

  /** Counts an attempt, durably. */
  async count(commands: string, counted: Counted): Promise<void> {
    await this.#state.put(attemptsKey(commands), JSON.stringify(counted))
  }

  /** The command that was counted is decided or parked. */
  async forget(commands: string): Promise<void> {
    await this.#state.delete(attemptsKey(commands))
  }
}
