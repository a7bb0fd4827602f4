// Everything the encoder refuses, with the path it reports, and what it lets through.

import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { encode, payloadBytesMax } from '../../../runtime/codec/codec.ts'
import { isReenactError, type ReenactError } from '../../../runtime/core/errors.ts'

class Money {
  amount = 5
}

const refusal = (value: unknown): ReenactError<'InvalidPayload'> => {
  try {
    encode(value)
  } catch (error) {
    if (isReenactError(error, 'InvalidPayload')) return error
    throw error
  }
  throw new Error('encode accepted the value')
}

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { in: value } : [value]
  return value
}

const retag = (value: object, prototype: object | null): object =>
  Object.setPrototypeOf(value, prototype)

const argumentsOf = (..._values: number[]): object =>
  (function (..._rest: number[]) {
    // biome-ignore lint/complexity/noArguments: the object itself is under test
    return arguments
  })(1, 2)

const withKey = (key: string, value: unknown = 1): object =>
  Object.defineProperty({}, key, { value, enumerable: true, configurable: true, writable: true })

const refused: readonly (readonly [string, unknown, string])[] = [
  ['NaN', { a: [{ price: Number.NaN }] }, 'is NaN'],
  ['Infinity', { a: [{ price: Number.POSITIVE_INFINITY }] }, 'is Infinity'],
  ['-Infinity', { a: [{ price: Number.NEGATIVE_INFINITY }] }, 'is -Infinity'],
  ['-0', { a: [{ price: -0 }] }, 'is -0'],
  ['an unsafe integer', { a: [{ price: 2 ** 53 }] }, 'MAX_SAFE_INTEGER'],
  ['an unsafe negative integer', { a: [{ price: -(2 ** 53) }] }, 'MAX_SAFE_INTEGER'],
  ['a BigInt', { a: [{ price: 5n }] }, 'BigInt'],
  ['a function', { a: [{ price: () => 5 }] }, 'function'],
  ['a class', { a: [{ price: Money }] }, 'function'],
  ['a symbol', { a: [{ price: Symbol('five') }] }, 'symbol'],
  ['a Map', { a: [{ price: new Map() }] }, 'Map'],
  ['a Set', { a: [{ price: new Set() }] }, 'Set'],
  ['a Date', { a: [{ price: new Date(0) }] }, 'Date'],
  ['an invalid Date', { a: [{ price: new Date(Number.NaN) }] }, 'Date'],
  ['a RegExp', { a: [{ price: /5/ }] }, 'RegExp'],
  ['an Error', { a: [{ price: new TypeError('no') }] }, 'Error'],
  ['a typed array', { a: [{ price: new Uint8Array(2) }] }, 'binary'],
  ['a Buffer', { a: [{ price: Buffer.from('5') }] }, 'binary'],
  ['an ArrayBuffer', { a: [{ price: new ArrayBuffer(2) }] }, 'binary'],
  ['a DataView', { a: [{ price: new DataView(new ArrayBuffer(2)) }] }, 'binary'],
  ['a promise', { a: [{ price: Promise.resolve(5) }] }, 'promise'],
  ['a WeakMap', { a: [{ price: new WeakMap() }] }, 'WeakMap'],
  ['a class instance', { a: [{ price: new Money() }] }, 'Money'],
  ['an heir of a plain object', { a: [{ price: Object.create({ b: 1 }) }] }, 'prototype'],
  ['an heir of a bare object', { a: [{ price: Object.create(Object.create(null)) }] }, 'prototype'],
  ['an array of a subclass', { a: [{ price: new (class List extends Array {})() }] }, 'List'],
  ['a boxed number', { a: [{ price: Object(5) }] }, 'boxed'],
  ['a boxed string', { a: [{ price: Object('5') }] }, 'boxed'],
  ['a boxed boolean', { a: [{ price: Object(true) }] }, 'boxed'],
  ['a boxed BigInt', { a: [{ price: Object(5n) }] }, 'boxed'],
  ['a disguised number', { a: [{ price: retag(Object(5), Object.prototype) }] }, 'boxed'],
  ['a disguised date', { a: [{ price: retag(new Date(), null) }] }, 'Date'],
  ['a Date of another realm', { a: [{ price: runInNewContext('new Date()') }] }, 'Date'],
  ['arguments', { a: [{ price: argumentsOf() }] }, 'symbol key'],
  ['a lone surrogate', { a: [{ price: 'x\ud800y' }] }, 'lone surrogate'],
  ['a symbol key', { a: [{ price: { [Symbol('s')]: 1 } }] }, 'Symbol(s)'],
  [
    'a symbol key on an array',
    { a: [{ price: Object.assign([], { [Symbol('s')]: 1 }) }] },
    'Symbol',
  ],
  ['a toJSON method', { a: [{ price: { toJSON: () => 5 } }] }, 'toJSON'],
  ['an array with toJSON', { a: [{ price: Object.assign([], { toJSON: () => 5 }) }] }, 'toJSON'],
  [
    'a getter',
    { a: [Object.defineProperty({}, 'price', { enumerable: true, get: () => 5 })] },
    'getter',
  ],
  [
    'a setter',
    { a: [Object.defineProperty({}, 'price', { enumerable: true, set: () => {} })] },
    'setter',
  ],
  ['a hidden property', { a: [Object.defineProperty({}, 'price', { value: 5 })] }, 'enumerable'],
]

describe('encode refuses', () => {
  for (const [name, value, reason] of refused) {
    it(name, () => {
      const error = refusal(value)
      expect(error.details.path).to.equal('$.a[0].price')
      expect(error.details.reason).to.contain(reason)
      expect(error.message).to.match(
        /^The payload is not plain JSON data: \$\.a\[0\]\.price .+; .+\.$/,
      )
    })
  }

  const elsewhere: readonly (readonly [string, unknown, string, string])[] = [
    ['undefined at the top', undefined, '$', 'undefined'],
    ['NaN at the top', Number.NaN, '$', 'NaN'],
    ['undefined in an array', { a: [1, undefined] }, '$.a[1]', 'undefined'],
    // biome-ignore lint/suspicious/noSparseArray: holes are under test
    ['a hole', { a: [1, , 3] }, '$.a[1]', 'hole'],
    ['a long hole', { a: new Array(1000) }, '$.a[0]', 'hole'],
    [
      'a named property of an array',
      { a: Object.assign([1], { b: 2 }) },
      '$.a.b',
      'named property',
    ],
    ['a match of a RegExp', { a: /b/.exec('abc') }, '$.a.index', 'named property'],
    ['a hidden property of an array', [Object.defineProperty([1], 'b', {})], '$[0].b', 'named'],
    [
      'a getter in an array',
      [Object.defineProperty([1], 0, { get: () => 1 })],
      '$[0][0]',
      'getter',
    ],
    ['a __proto__ key', { a: JSON.parse('{"__proto__":{"b":1}}') }, '$.a.__proto__', '__proto__'],
    ['a reserved key', { a: { $reenact: 1 } }, '$.a.$reenact', 'reserved'],
    ['a key with the reserved beginning', { a: { $reenactX: 1 } }, '$.a.$reenactX', 'reserved'],
    ['a lone surrogate in a key', withKey('\udc00'), "$['\\udc00']", 'key'],
    ['a key with a space', { 'a b': Number.NaN }, "$['a b']", 'NaN'],
    ['a key with quotes', { 'it\'s "so"\\': Number.NaN }, `$['it\\'s "so"\\\\']`, 'NaN'],
    ['a key of digits', { 12: Number.NaN }, "$['12']", 'NaN'],
    ['an empty key', { '': [Number.NaN] }, "$[''][0]", 'NaN'],
    ['a sibling of good values', { a: { b: [1, [2]] }, c: Number.NaN }, '$.c', 'NaN'],
  ]
  for (const [name, value, path, reason] of elsewhere) {
    it(`${name}, at its path`, () => {
      const { details } = refusal(value)
      expect(details.path).to.equal(path)
      expect(details.reason).to.contain(reason)
    })
  }

  it('a cycle, and says where it closes', () => {
    const order: Record<string, unknown> = { id: 1 }
    order['lines'] = [{ order }]
    const { details } = refusal({ order })
    expect(details.path).to.equal('$.order.lines[0].order')
    expect(details.reason).to.equal('closes a cycle back to $.order')
    const self: unknown[] = []
    self.push(self)
    expect(refusal(self).details).to.deep.equal({
      path: '$[0]',
      reason: 'closes a cycle back to $',
    })
  })

  it('more than 64 levels', () => {
    expect(encode(nested(64))).to.be.a('string')
    expect(refusal(nested(65)).details.reason).to.contain('64 levels')
    expect(refusal(nested(200_000)).details.reason).to.contain('64 levels')
  })

  it('an inherited toJSON, without calling it', () => {
    const called: string[] = []
    const define = (descriptor: PropertyDescriptor): void => {
      Object.defineProperty(Object.prototype, 'toJSON', { ...descriptor, configurable: true })
    }
    try {
      define({ value: () => called.push('method') })
      expect(refusal({ a: {} }).details.path).to.equal('$')
      define({ get: () => called.push('getter') })
      expect(refusal([]).details.reason).to.contain('toJSON')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'toJSON')
    }
    expect(called).to.deep.equal([])
  })

  it('text over the limit', () => {
    const over = (value: unknown, bytesMax?: number): ReenactError<'TooLarge'> => {
      try {
        encode(value, { what: 'The note', bytesMax })
      } catch (error) {
        if (isReenactError(error, 'TooLarge')) return error
        throw error
      }
      throw new Error('encode accepted the value')
    }
    expect(encode('x'.repeat(payloadBytesMax - 2))).to.have.lengthOf(payloadBytesMax)
    expect(over('x'.repeat(payloadBytesMax - 1)).details.limitBytes).to.equal(payloadBytesMax)
    expect(encode({ a: 'é' }, { bytesMax: 10 })).to.equal('{"a":"é"}')
    expect(over({ a: 'é' }, 9).details).to.deep.equal({
      what: 'The note',
      bytes: 10,
      limitBytes: 9,
    })
    expect(over({ a: '\n' }, 9).details.bytes).to.equal(10)
    expect(over({ a: '€'.repeat(100) }, 300).details.bytes).to.equal(308)
    expect(over({ abcdefgh: 1 }, 12).message).to.contain('at least')
    expect(over(new Array(1e9)).message).to.match(/^The note takes at least \d+ bytes/)
  })

  it('shared references that would unfold without end', () => {
    let value: unknown = 1
    for (let i = 0; i < 60; i++) value = { a: value, b: value }
    expect(() => encode(value))
      .to.throw()
      .with.property('code', 'TooLarge')
  })
})
