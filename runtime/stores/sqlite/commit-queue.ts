// What waits for a commit, within bounds.

import { ReenactError } from '../../core/errors.ts'
import type { Operation } from './operations.ts'

/** Bounds of what waits for a commit. */
export interface QueueLimits {
  readonly operationsMax: number
  readonly bytesMax: number
}

const groupOperationsMax = 4096
const groupBytesMax = 16 * 1024 * 1024

/** Operations in the order they came. */
export class CommitQueue {
  readonly #limits: QueueLimits
  #operations: Operation[] = []
  #bytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#operations.length
  }

  /** Takes it in, or tells it that there is no room. */
  push(operation: Operation): void {
    const { operationsMax, bytesMax } = this.#limits
    if (this.length >= operationsMax || this.#bytes + operation.bytes > bytesMax) {
      operation.refused(this.#overloaded())
      return
    }
    this.#operations.push(operation)
    this.#bytes += operation.bytes
  }

  /** What the next transaction may hold. */
  takeGroup(): readonly Operation[] {
    let bytes = 0
    let count = 0
    for (const operation of this.#operations) {
      if (count === groupOperationsMax || (count > 0 && bytes + operation.bytes > groupBytesMax))
        break
      bytes += operation.bytes
      count += 1
    }
    this.#bytes -= bytes
    if (count < this.length) return this.#operations.splice(0, count)
    return this.takeAll()
  }

  /** Everything. */
  takeAll(): readonly Operation[] {
    const operations = this.#operations
    this.#operations = []
    this.#bytes = 0
    return operations
  }

  /** Back to where they were taken from. */
  putBack(operations: readonly Operation[]): void {
    if (operations.length === 0) return
    this.#operations = [...operations, ...this.#operations]
    for (const { bytes } of operations) this.#bytes += bytes
  }

  #overloaded(): ReenactError {
    const { operationsMax, bytesMax } = this.#limits
    return new ReenactError(
      'Overloaded',
      `${operationsMax} operations or ${bytesMax} bytes wait to be written. Send it again when earlier ones are answered.`,
      { queue: 'append', limit: operationsMax },
    )
  }
}
