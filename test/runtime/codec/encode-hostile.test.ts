// Values made to trick the encoder, and ordinary ones it must not be suspicious of.

import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { decode, encode } from '../../../runtime/codec/codec.ts'
import { isReenactError, type ReenactError } from '../../../runtime/core/errors.ts'

const refusal = (value: unknown): ReenactError<'InvalidPayload'> => {
  try {
    encode(value)
  } catch (error) {
    if (isReenactError(error, 'InvalidPayload')) return error
    throw error
  }
  throw new Error('encode accepted the value')
}

const retag = (value: object, prototype: object): object => Object.setPrototypeOf(value, prototype)

describe('encode refuses hostile values', () => {
  const boom = (): never => {
    throw new RangeError('boom')
  }
  const traps = new Proxy({}, { get: () => boom })
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const hostile: readonly (readonly [string, unknown])[] = [
    ['a proxy that throws', new Proxy({}, traps)],
    ['a revoked proxy', revoked.proxy],
    ['a proxy that looks harmless', new Proxy({ b: 1 }, {})],
    ['a proxy of an array', new Proxy([1], {})],
    ['a prototype that is a proxy', Object.create(new Proxy({}, traps))],
    ['an array whose prototype is a proxy', retag([], new Proxy([], traps))],
    ['a constructor that is a proxy', Object.create({ constructor: new Proxy(Map, traps) })],
    ['a getter that throws', Object.defineProperty({}, 'b', { enumerable: true, get: boom })],
    ['a tag that throws', Object.defineProperty({}, Symbol.toStringTag, { get: boom })],
    [
      'a toJSON getter that throws',
      Object.defineProperty({}, 'toJSON', { enumerable: true, get: boom }),
    ],
    ['an element that throws', Object.defineProperty([], 0, { enumerable: true, get: boom })],
  ]
  for (const [name, value] of hostile) {
    it(name, () => {
      const error = refusal({ a: value })
      expect(error.details.path).to.match(/^\$\.a/)
      expect(error.cause).to.equal(undefined)
    })
  }

  it('without running their getters', () => {
    let runs = 0
    const value = Object.defineProperty({}, 'b', { enumerable: true, get: () => ++runs })
    refusal(value)
    expect(runs).to.equal(0)
  })

  it('even when Object.prototype itself is broken', () => {
    const outcome: unknown[] = []
    const broken = { get: boom, configurable: true }
    Object.defineProperty(Object.prototype, Symbol.toStringTag, broken)
    try {
      outcome.push(encode({ a: { b: 1 } }))
    } catch (error) {
      outcome.push(error)
    } finally {
      Reflect.deleteProperty(Object.prototype, Symbol.toStringTag)
    }
    expect(isReenactError(outcome[0], 'InvalidPayload')).to.equal(true)
    expect(outcome[0]).to.have.nested.property('cause.message', 'boom')
  })
})

describe('encode accepts', () => {
  it('what JSON can say, in the order of JSON.stringify', () => {
    const value = { b: 1, a: [true, false, null, '', 0.5, -1e-7, 'é😀\n"\\'], 2: {}, 1: [] }
    expect(encode(value)).to.equal(JSON.stringify(value))
    expect(decode(encode(value))).to.deep.equal(value)
    expect(encode([])).to.equal('[]')
    expect(encode(null)).to.equal('null')
  })

  it('undefined properties, by dropping them', () => {
    expect(encode({ a: undefined, b: { c: undefined } })).to.equal('{"b":{}}')
  })

  it('the largest safe integers', () => {
    const value = { a: Number.MAX_SAFE_INTEGER, b: Number.MIN_SAFE_INTEGER }
    expect(decode(encode(value))).to.deep.equal(value)
  })

  it('one reference in two places', () => {
    const shared = { a: 1 }
    expect(encode([shared, { shared }])).to.equal('[{"a":1},{"shared":{"a":1}}]')
  })

  it('objects without a prototype, frozen ones and those of another realm', () => {
    const bare = Object.assign(Object.create(null), { a: 1 })
    expect(encode(bare)).to.equal('{"a":1}')
    expect(encode(Object.freeze({ a: Object.freeze([1]) }))).to.equal('{"a":[1]}')
    expect(encode(runInNewContext('({ a: [1, { b: 2 }] })'))).to.equal('{"a":[1,{"b":2}]}')
  })

  it('keys that only look special', () => {
    const value = { toJSON: 1, constructor: 'x', $type: 2, reenact: 3, __proto: 4, length: 5 }
    expect(decode(encode(value))).to.deep.equal(value)
  })
})

it('encode names the payload in its messages', () => {
  expect(() => encode({ a: Number.NaN }, { what: "The event 'Paid'" })).to.throw(
    /^The event 'Paid' is not plain JSON data: \$\.a is NaN; use a finite number or null\.$/,
  )
})
