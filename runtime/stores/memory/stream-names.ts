// The names of streams by category, in order: sorted when asked for, not when written.

import { categoryOf } from '../../core/stream-name.ts'
import { compareBytes } from '../byte-order.ts'

interface Category {
  readonly names: string[]
  sorted: boolean
}

/** Names are only ever added. */
export class StreamNames {
  readonly #categories = new Map<string, Category>()

  /** Adds a name that was not added before. */
  add(stream: string): void {
    const category = categoryOf(stream)
    const found = this.#categories.get(category)
    if (!found) {
      this.#categories.set(category, { names: [stream], sorted: true })
      return
    }
    found.names.push(stream)
    found.sorted = false
  }

  /** The names of a category beyond `after`, in byte order. */
  *of(category: string, after: string | undefined): Generator<string> {
    const found = this.#categories.get(category)
    if (!found) return
    const { names } = found
    if (!found.sorted) names.sort(compareBytes)
    found.sorted = true
    const first = after === undefined ? 0 : firstBeyond(names, after)
    for (let index = first; index < names.length; index += 1) yield names[index] as string
  }
}

function firstBeyond(names: readonly string[], after: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (compareBytes(names[middle] as string, after) > 0) high = middle
    else low = middle + 1
  }
  return low
}
