// When events were recorded: the answer to an append does not tell, the event does. Many are asked for at once.

import type { Connection } from './connection.ts'
import { readAll, readStream } from './reading.ts'

/** Where an event is. */
interface Place {
  readonly stream: string
  readonly revision: number
  readonly position: number
}

interface Question extends Place {
  resolve(recordedAt: number): void
  reject(error: unknown): void
}

const batchMax = 256

/** Reads back the times of events that were just written. */
export class RecordedTimes {
  readonly #connection: Connection
  #questions: Question[] = []
  #asking = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** When the event at this place was recorded. */
  of(place: Place): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#questions.push({ ...place, resolve, reject })
      if (!this.#asking) void this.#ask()
    })
  }

  // One read at a time: what is asked meanwhile goes into the next.
  async #ask(): Promise<void> {
    this.#asking = true
    while (this.#questions.length > 0) {
      const questions = this.#questions.splice(0, batchMax)
      try {
        await this.#answer(questions)
      } catch (error) {
        for (const { reject } of questions) reject(error)
      }
    }
    this.#asking = false
  }

  async #answer(questions: readonly Question[]): Promise<void> {
    const times = questions.length > 1 ? await this.#timesFrom(questions) : new Map()
    await Promise.all(
      questions.map(async (question) => {
        const known = times.get(question.position)
        question.resolve(known ?? (await this.#timeOf(question)))
      }),
    )
  }

  /** What was written together mostly stands together in the log. */
  async #timesFrom(questions: readonly Question[]): Promise<Map<number, number>> {
    const first = Math.min(...questions.map(({ position }) => position))
    const limit = 2 * questions.length
    const { events } = await readAll(this.#connection, { after: first - 1, limit })
    return new Map(events.map(({ position, recordedAt }) => [position, recordedAt]))
  }

  async #timeOf({ stream, revision }: Place): Promise<number> {
    const page = await readStream(this.#connection, stream, { from: revision, limit: 1 })
    const [event] = page.events
    // Only a rule of the stream can have removed it already.
    return event?.revision === revision ? event.recordedAt : this.#connection.ports.clock.now()
  }
}
