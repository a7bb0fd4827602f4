// Which consumer gets the next message.

import type { ConsumerStrategy } from '../../ports/consumer-groups.ts'
import type { Member } from './member.ts'
import { bucketCount, type Message } from './message.ts'

/** Chooses among the consumers that may get something. */
export interface Strategy {
  /** Who is there, in order of joining. */
  members(members: readonly Member[]): void
  /** A consumer with credit, or nobody for now. */
  choose(message: Message): Member | undefined
  /** The message went to this consumer. */
  given(message: Message, member: Member): void
  /** It is there no more. */
  released(message: Message): void
}

export const createStrategy = (kind: ConsumerStrategy): Strategy => {
  if (kind === 'RoundRobin') return new InTurn()
  return kind === 'DispatchToSingle' ? new FirstWithCredit() : new Pinned()
}

class FirstWithCredit implements Strategy {
  protected list: readonly Member[] = []

  members(members: readonly Member[]): void {
    this.list = members
  }

  choose(_message: Message): Member | undefined {
    return this.list.find(({ hasCredit }) => hasCredit)
  }

  given(_message: Message, _member: Member): void {}
  released(_message: Message): void {}
}

class InTurn extends FirstWithCredit {
  #next = 0

  override choose(): Member | undefined {
    const { length } = this.list
    for (let step = 0; step < length; step += 1) {
      const member = this.list[(this.#next + step) % length]
      if (!member?.hasCredit) continue
      this.#next = (this.#next + step + 1) % length
      return member
    }
    return undefined
  }
}

/**
 * Each bucket has an owner by rendezvous hashing: who joins or leaves moves only their share. A bucket stays where it is
 * while something of it is in flight, so that two consumers never have the same stream at once.
 */
class Pinned implements Strategy {
  #owners: readonly Member[] = []
  /** By bucket: who has something of it, and how much. */
  readonly #holders: (Member | undefined)[] = new Array(bucketCount).fill(undefined)
  readonly #held = new Uint32Array(bucketCount)
  readonly #numbers = new WeakMap<Member, number>()
  #nextNumber = 1

  members(members: readonly Member[]): void {
    for (const member of members) {
      if (this.#numbers.has(member)) continue
      this.#numbers.set(member, this.#nextNumber)
      this.#nextNumber += 1
    }
    this.#owners =
      members.length === 0
        ? []
        : Array.from({ length: bucketCount }, (_, bucket) => this.#ownerOf(bucket, members))
  }

  choose({ bucket }: Message): Member | undefined {
    const member = this.#holders[bucket] ?? this.#owners[bucket]
    return member?.hasCredit ? member : undefined
  }

  given({ bucket }: Message, member: Member): void {
    this.#holders[bucket] = member
    this.#held[bucket] = (this.#held[bucket] ?? 0) + 1
  }

  released({ bucket }: Message): void {
    const left = (this.#held[bucket] ?? 0) - 1
    this.#held[bucket] = left
    if (left === 0) this.#holders[bucket] = undefined
  }

  #ownerOf(bucket: number, members: readonly Member[]): Member {
    let best = members[0] as Member
    let bestWeight = -1
    for (const member of members) {
      const weight = mix(bucket, this.#numbers.get(member) ?? 0)
      if (weight <= bestWeight) continue
      best = member
      bestWeight = weight
    }
    return best
  }
}

// The finalizer of MurmurHash3: every bit of the input reaches every bit of the result.
function mix(bucket: number, number: number): number {
  let bits = Math.imul(bucket + 1, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
