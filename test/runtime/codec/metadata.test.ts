// The header of an event's metadata is read without parsing the rest, with the same result.

import { expect } from 'chai'
import fc from 'fast-check'
import { readHeader, readMetadata } from '../../../runtime/codec/metadata.ts'

const runs = Number(process.env['REENACT_CASES'] ?? 200)

const headerOf = (metadata: string) => {
  const { schemaVersion, time, commandId } = readMetadata({ metadata })
  return { schemaVersion, time, commandId }
}

const given = (metadata: string) => {
  const { schemaVersion, time, commandId } = readHeader({ metadata })
  return { schemaVersion, time, commandId }
}

describe('the header of metadata', () => {
  it('is what parsing gives, whatever follows and whoever wrote it', () => {
    const field = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double(),
      fc.constant(undefined),
    )
    fc.assert(
      fc.property(
        fc.record({ schemaVersion: field, time: field, commandId: field, custom: fc.jsonValue() }),
        fc.boolean(),
        (metadata, inOrder) => {
          const text = JSON.stringify(
            inOrder ? metadata : Object.fromEntries(Object.entries(metadata).reverse()),
          )
          expect(given(text)).to.deep.equal(headerOf(text))
        },
      ),
      { numRuns: runs * 5 },
    )
  })

  it('is what parsing gives for what Reenact writes', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.maxSafeNat(),
        fc.string({ minLength: 1 }),
        (version, time, commandId) => {
          const text = JSON.stringify({ schemaVersion: version, time, commandId, writer: 'w' })
          expect(given(text)).to.deep.equal(headerOf(text))
        },
      ),
      { numRuns: runs * 5 },
    )
  })

  it('of a foreign event is empty', () => {
    for (const metadata of ['', '[]', 'null', '{"a":1}', 'not JSON']) {
      expect(given(metadata)).to.deep.equal({
        schemaVersion: undefined,
        time: undefined,
        commandId: undefined,
      })
    }
  })
})
