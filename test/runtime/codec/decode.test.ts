// What the decoder refuses: whatever the encoder could not have written.

import { expect } from 'chai'
import { decode, encode } from '../../../runtime/codec/codec.ts'
import { isReenactError } from '../../../runtime/core/errors.ts'

const deep = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`

describe('decode refuses', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['text that does not parse', '{"a":', '$', 'not JSON'],
    ['empty text', '', '$', 'not JSON'],
    ['a byte order mark', '\ufeff{}', '$', 'not JSON'],
    ['an array', '[1]', '$', 'an array'],
    ['null', 'null', '$', 'null'],
    ['a string', '"a"', '$', 'a string'],
    ['a number', '1', '$', 'a number'],
    ['__proto__', '{"a":[{"__proto__":{"b":1}}]}', '$.a[0].__proto__', '__proto__'],
    ['escaped __proto__', '{"\\u005f_pro\\u0074o__":1}', '$.__proto__', '__proto__'],
    ['-0', '{"a":[1,-0]}', '$.a[1]', '-0'],
    ['an underflow to -0', '{"a":-1e-999}', '$.a', '-0'],
    ['an overflow to Infinity', '{"a":1e999}', '$.a', 'Infinity'],
    ['an integer that lost digits', '{"a":9007199254740993}', '$.a', 'MAX_SAFE_INTEGER'],
    ['an escaped lone surrogate', '{"a":"\\ud800"}', '$.a', 'lone surrogate'],
    ['a lone surrogate', '{"a":"\udc00"}', '$.a', 'lone surrogate'],
    ['a lone surrogate in a key', '{"\\udc00":1}', "$['\\udc00']", 'lone surrogate'],
    ['more than 72 levels', deep(73), `$${'.a'.repeat(72)}`, '72 levels'],
  ]
  for (const [name, text, path, reason] of cases) {
    it(name, () => {
      try {
        decode(text, 'The event 3@order-1')
      } catch (error) {
        if (!isReenactError(error, 'InvalidPayload')) throw error
        expect(error.details.path).to.equal(path)
        expect(error.details.reason).to.contain(reason)
        expect(error.message).to.match(/^The event 3@order-1 is not plain JSON data: \$/)
        return
      }
      throw new Error('decode accepted the text')
    })
  }

  it('very deep text, and what is not text', () => {
    expect(() => decode(deep(200_000)))
      .to.throw()
      .with.property('code', 'InvalidPayload')
    for (const value of [undefined, null, {}, 5, Symbol('x')]) {
      const decodeAnything = decode as (value: unknown) => unknown
      expect(() => decodeAnything(value))
        .to.throw()
        .with.property('code', 'InvalidPayload')
    }
  })

  it('without quoting the payload', () => {
    try {
      decode('{"iban":"BE68 5390"')
    } catch (error) {
      expect(`${error} ${(error as Error).cause}`).not.to.contain('BE68')
      return
    }
    throw new Error('decode accepted the text')
  })
})

describe('decode accepts', () => {
  it('objects of up to 64 levels, and many brackets beside each other', () => {
    expect(encode(decode(deep(64)))).to.equal(deep(64))
    const wide = JSON.stringify({ a: Array.from({ length: 500 }, (_, i) => [{ i }]) })
    expect(encode(decode(wide))).to.equal(wide)
  })

  it('dates and negative fractions, which contain -0', () => {
    const value = { at: '2026-01-02T00:00:00-00:00', by: -0.5, tiny: -1e-7, zero: 0 }
    expect(decode(JSON.stringify(value))).to.deep.equal(value)
  })

  it('__proto__ as a value, and keys reserved for the runtime', () => {
    expect(decode('{"a":"__proto__"}')).to.deep.equal({ a: '__proto__' })
    expect(decode('{"a":{"$reenact":"sealed"}}')).to.deep.equal({ a: { $reenact: 'sealed' } })
  })
})
