// Chance that one number repeats: xoshiro128** by Blackman and Vigna, its state filled by splitmix32.

import type { Random } from '../core/clock.ts'

/**
 * A random port that gives the same numbers for the same seed. Not for secrets.
 *
 * @param seed - any whole number; only its low 32 bits count
 * @example
 * ```ts
 * const random = createSeededRandom(42)
 * random.next() // the same on every machine
 * ```
 */
export function createSeededRandom(seed: number): Random {
  const state = new Uint32Array(4)
  let mixed = seed | 0
  for (let index = 0; index < state.length; index += 1) {
    mixed = (mixed + 0x9e3779b9) | 0
    state[index] = splitmix(mixed)
  }
  const word = (): number => step(state)
  return {
    // 53 bits, as many as a double keeps.
    next: () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53,
    fill: (bytes) => {
      for (let index = 0; index < bytes.length; index += 4) {
        const value = word()
        for (let byte = 0; byte < 4 && index + byte < bytes.length; byte += 1) {
          bytes[index + byte] = (value >>> (8 * byte)) & 0xff
        }
      }
      return bytes
    },
  }
}

function splitmix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

function step(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = state
  const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
  state[2] = c ^ a
  state[3] = d ^ b
  state[1] = b ^ (state[2] as number)
  state[0] = a ^ (state[3] as number)
  state[2] = (state[2] as number) ^ (b << 9)
  state[3] = rotate(state[3] as number, 11)
  return result
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
