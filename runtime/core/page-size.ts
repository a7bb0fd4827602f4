// How many events are read at once, so that a page of large ones does not fill the memory.

/** What the texts of a page come to, about. */
const pageBytes = 1024 * 1024
/** Events of the first page, whose sizes nobody knows. */
const firstMax = 16

/** As many events as fit, going by those of the page before. */
export class PageSize {
  readonly #limitMax: number
  #limit: number

  constructor(limitMax: number) {
    this.#limitMax = limitMax
    this.#limit = Math.min(limitMax, firstMax)
  }

  /** At most so many are to be read next. */
  get limit(): number {
    return this.#limit
  }

  /** These were read. */
  learn(events: readonly { readonly data: string; readonly metadata: string }[]): void {
    if (events.length === 0) return
    let bytes = 0
    for (const { data, metadata } of events) bytes += data.length + metadata.length
    const fitting = Math.floor((pageBytes * events.length) / Math.max(bytes, 1))
    this.#limit = Math.max(1, Math.min(fitting, this.#limitMax))
  }
}
