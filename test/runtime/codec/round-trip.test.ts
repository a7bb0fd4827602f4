// Properties of the codec: what it accepts comes back, whatever it was given.

import { expect } from 'chai'
import fc from 'fast-check'
import {
  canonical,
  copyOf,
  decode,
  decodeEvent,
  encode,
  encodeEvent,
  type Json,
  type JsonObject,
  payloadHash,
} from '../../../runtime/codec/codec.ts'
import { isReenactError, ReenactError } from '../../../runtime/core/errors.ts'

const cases = { numRuns: Number(process.env['REENACT_CASES'] ?? 200) }

const key = fc
  .string({ unit: 'binary', maxLength: 8 })
  .filter((text) => text !== '__proto__' && !text.startsWith('$reenact'))

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.maxSafeInteger(),
  fc
    .double({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true })
    .map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
)

const values = fc.letrec<{ json: Json; holey: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    leaf,
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(key, tie('json'), { maxKeys: 5 }),
  ),
  holey: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('holey'), { maxLength: 5 }),
    fc.dictionary(key, fc.option(tie('holey'), { nil: undefined }), { maxKeys: 5 }),
  ),
}))

const anything = fc.anything({
  maxDepth: 4,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})

/** The value without its undefined properties and with ordinary prototypes, and nothing else changed. */
const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (typeof value !== 'object' || value === null) return value
  const kept: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) kept[name] = withoutUndefined(field)
  }
  return kept
}

const encodeOrRefuse = (value: unknown): string | undefined => {
  try {
    return encode(value)
  } catch (error) {
    if (!isReenactError(error)) throw error
    expect(error.code).to.be.oneOf(['InvalidPayload', 'TooLarge'])
    return undefined
  }
}

const shuffled = (value: Json): Json => {
  if (Array.isArray(value)) return (value as readonly Json[]).map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value as JsonObject).reverse()
  return Object.fromEntries(fields.map(([name, field]) => [name, shuffled(field)]))
}

describe('codec properties', () => {
  it('JSON values come back as they were', () => {
    fc.assert(
      fc.property(values.json, (v) => {
        const text = encode({ v })
        expect(text).to.equal(JSON.stringify({ v }))
        expect(decode(text)).to.deep.equal({ v })
      }),
      cases,
    )
  })

  it('undefined properties are all that goes missing', () => {
    fc.assert(
      fc.property(values.holey, (v) => {
        expect(decode(encode({ v }))).to.deep.equal({ v: withoutUndefined(v) })
      }),
      cases,
    )
  })

  it('a copy is what would come back, its text the canonical one, and refusals are the same', () => {
    fc.assert(
      fc.property(fc.oneof(values.holey, anything), (v) => {
        const text = encodeOrRefuse({ v })
        if (text === undefined) {
          expect(() => copyOf({ v })).to.throw(ReenactError)
          return
        }
        const { copy, canonicalText } = copyOf({ v })
        expect(copy).to.deep.equal(decode(text))
        expect(canonicalText).to.equal(canonical(decode(text)))
      }),
      cases,
    )
    expect(() => copyOf('text')).to.throw('wrap it in one')
  })

  it('an event is what would come back, with its type before the data', () => {
    fc.assert(
      fc.property(fc.dictionary(key, values.holey, { maxKeys: 5 }), fc.string(), (given, type) => {
        const { type: _, ...data } = given
        const { text, event } = encodeEvent(type, data, {})
        expect(text).to.equal(encode(data))
        expect(event).to.deep.equal(decodeEvent(type, text)).and.to.be.frozen
        expect(JSON.stringify(event)).to.equal(JSON.stringify(decodeEvent(type, text)))
      }),
      cases,
    )
  })

  it('values of any kind come back or are refused', () => {
    fc.assert(
      fc.property(anything, (v) => {
        const text = encodeOrRefuse({ v })
        if (text !== undefined) {
          // chai tells -0 from 0, a Map from {} and a boxed string from a string.
          expect(decode(text)).to.deep.equal(withoutUndefined({ v }))
        }
      }),
      cases,
    )
  })

  it('text of any JSON is refused or reads as what encode writes', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false, stringUnit: 'binary' }), (json) => {
        const text = `{"v":${json}}`
        let value: JsonObject
        try {
          value = decode(text)
        } catch (error) {
          if (!isReenactError(error, 'InvalidPayload')) throw error
          return
        }
        const again = encodeOrRefuse(value)
        if (again === undefined) expect(text).to.contain('$reenact')
        else expect(decode(again)).to.deep.equal(value)
      }),
      cases,
    )
  })

  it('decode throws nothing but refusals', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(decode(text)).to.be.an('object')
        } catch (error) {
          if (!isReenactError(error, 'InvalidPayload')) throw error
        }
      }),
      cases,
    )
  })

  it('canonical text and hash do not depend on the order of keys', () => {
    fc.assert(
      fc.property(values.json, (value) => {
        expect(canonical(shuffled(value))).to.equal(canonical(value))
        expect(payloadHash(canonical(shuffled(value)))).to.equal(payloadHash(canonical(value)))
        expect(JSON.parse(canonical(value))).to.deep.equal(value)
      }),
      cases,
    )
  })
})
