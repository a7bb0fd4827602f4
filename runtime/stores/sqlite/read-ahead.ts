// Reading ahead: while one page of a long stream, or of the log, is worked on, a thread fetches the next ones.
//
// It only makes reading faster. What it has not ready, or could not read, is read from the file as ever, and what of
// it may be seen is decided by whoever reads, at that moment.

import type { Timers } from '../../core/clock.ts'
import { type EventPage, logId, type PageRequest } from './event-page.ts'
import { PageRows } from './event-rows.ts'
import { entryBeside, StoreThread } from './store-thread.ts'

/** When a store reads ahead. */
export interface ReadAheadOptions {
  /** The module that runs in the thread. Default: the one beside this. */
  readonly entry?: URL
  /** So many full pages are read one after the other before the next ones are fetched ahead. */
  readonly pagesBefore: number
  /** Events in a page, at least: fewer are not worth the way. */
  readonly countMin: number
  /** The thread is started for no fewer events than these, which are read in the time it takes to start. */
  readonly startMin: number
}

export const readAheadDefaults: ReadAheadOptions = {
  pagesBefore: 3,
  countMin: 512,
  startMin: 16_384,
}

/** Scans that are followed; the one that rested longest makes room. */
const scansMax = 8
/** Pages of a scan that are ready or asked for. */
const pagesMax = 2
/** Events in a page, at most. */
const countMax = 1_024
/** So long nobody reads on until the thread is let go. */
const idleMs = 10_000

/** What is read: a stream, or the whole log. */
interface Source {
  readonly name: string
  readonly id: number
}

export const wholeLog: Source = { name: '', id: logId }

/** Somebody who reads page after page. */
interface Scan {
  readonly of: Source
  /** The revision or position to be read next. */
  next: number
  /** How many pages were read. */
  pages: number
  /** What comes after all that was asked for. */
  beyond: number
  readonly asked: Asked[]
  ready: EventPage[]
  /** A page was shorter than asked for: its events are large, or damaged. */
  isOver: boolean
}

interface Asked {
  readonly request: PageRequest
  readonly scan: Scan
  readonly arrival: Promise<void>
  readonly arrived: () => void
}

export class ReadAhead {
  readonly #file: string
  readonly #timers: Timers
  readonly #options: ReadAheadOptions | undefined
  #thread: StoreThread<PageRequest, EventPage> | undefined
  #isReady = false
  #isOver = false
  /** The one used last is the last. */
  #scans: Scan[] = []
  /** What the thread was asked and has not answered, in order. */
  #asked: Asked[] = []
  #stopIdling = () => {}

  /** Without options it never reads ahead. */
  constructor(file: string, timers: Timers, options: ReadAheadOptions | undefined) {
    this.#file = file
    this.#timers = timers
    this.#options = options
  }

  /** For tests that read ahead from the first page on: resolves when the thread runs. */
  async started(): Promise<void> {
    if (this.#options?.pagesBefore !== 0) return
    this.#start()
    await this.#thread?.started
  }

  /** Resolves when what begins there has been fetched; `undefined` if it is not on its way. */
  arrival(name: string, first: number): Promise<void> | undefined {
    if (this.#asked.length === 0) return undefined
    const scan = this.#scanAt(name, first)
    return scan?.ready.length === 0 ? scan.asked[0]?.arrival : undefined
  }

  /** At most so many events from there on, as far as they are ready. */
  take(of: Source, first: number, count: number): PageRows | undefined {
    const page = this.#scanAt(of.name, first)?.ready[0]
    if (!page || first < page.first) return undefined
    const at = first - page.first
    const length = Math.min(count, page.length - at)
    return length > 0 ? new PageRows(page, at, length) : undefined
  }

  /** Somebody read a page and will read on at `next`. There are events up to `last` that the thread can read. */
  passed(of: Source, first: number, next: number, last: number): void {
    if (!this.#options || this.#isOver) return
    // Who reads a few events at a time would only push others out.
    if (next - first < this.#options.countMin / 8) return
    const scan = this.#follow(of, first, next)
    if (scan.pages < this.#options.pagesBefore || scan.isOver || scan.beyond > last) return
    if (!this.#isReady) {
      if (last - next + 1 >= this.#options.startMin) this.#start()
      return
    }
    const wanted = Math.max(this.#options.countMin, Math.min(next - first, countMax))
    while (scan.ready.length + scan.asked.length < pagesMax && scan.beyond <= last) {
      this.#ask(scan, Math.min(wanted, last - scan.beyond + 1))
    }
  }

  /** Ends the thread. What was waited for is then read from the file. */
  async close(): Promise<void> {
    this.#isOver = true
    await this.#letGo()
  }

  #scanAt(name: string, first: number): Scan | undefined {
    for (const scan of this.#scans) if (scan.next === first && scan.of.name === name) return scan
    return undefined
  }

  #follow(of: Source, first: number, next: number): Scan {
    let scan = this.#scanAt(of.name, first)
    scan ??= { of, next, pages: 0, beyond: next, asked: [], ready: [], isOver: false }
    scan.next = next
    scan.pages += 1
    scan.beyond = Math.max(scan.beyond, next)
    scan.ready = scan.ready.filter((page) => page.first + page.length > next)
    if (this.#scans.at(-1) === scan) return scan
    this.#scans = this.#scans.filter((other) => other !== scan)
    this.#scans.push(scan)
    if (this.#scans.length > scansMax) this.#scans.shift()
    return scan
  }

  #ask(scan: Scan, count: number): void {
    const request: PageRequest = { of: scan.of.id, first: scan.beyond, count }
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const asked: Asked = { request, scan, arrival, arrived }
    scan.beyond += count
    scan.asked.push(asked)
    this.#asked.push(asked)
    this.#thread?.send(request)
    this.#used()
  }

  #used(): void {
    this.#stopIdling()
    this.#stopIdling = this.#timers.after(idleMs, () => void this.#letGo(), { background: true })
  }

  #start(): void {
    if (this.#thread) return
    this.#used()
    const entry = this.#options?.entry ?? entryBeside('read-ahead-entry')
    const asked = this.#asked
    this.#thread = new StoreThread(this.#file, entry, {
      role: 'read-ahead thread',
      code: 'REENACT_READ_AHEAD_THREAD',
      ready: () => {
        this.#isReady = true
      },
      // Answers come in the order of the requests.
      answered: (page) => answer(asked.shift(), page),
      died: () => {
        this.#isOver = true
        void this.#letGo()
      },
    })
  }

  async #letGo(): Promise<void> {
    const thread = this.#thread
    const asked = this.#asked
    this.#stopIdling()
    this.#isReady = false
    this.#thread = undefined
    this.#scans = []
    this.#asked = []
    await thread?.close()
    for (const { arrived } of asked) arrived()
  }
}

function answer(asked: Asked | undefined, page: EventPage): void {
  if (!asked) return
  const { scan, request, arrived } = asked
  scan.asked.shift()
  if (page.length < request.count) scan.isOver = true
  if (page.first + page.length > scan.next) scan.ready.push(page)
  arrived()
}
