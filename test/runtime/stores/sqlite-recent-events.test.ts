// What a followed store keeps of its last events is what another connection reads from the file.

import { expect } from 'chai'
import fc from 'fast-check'
import type { ReadAllOptions } from '../../../runtime/ports/event-store.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { event, freshFile } from './support/store-files.ts'

const numRuns = Math.min(50, Math.ceil(Number(process.env['REENACT_CASES'] ?? 100) / 10))

const stream = fc.constantFrom('account-1', 'account-2', 'order-1')
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append'), stream, count: fc.nat(5) }) },
  fc.record({ kind: fc.constantFrom('follow', 'leave', 'delete', 'rules'), stream }),
  fc.record({ kind: fc.constantFrom('fail', 'fail late'), stream }),
)
const filters: (ReadAllOptions['filter'] | undefined)[] = [
  undefined,
  { categories: ['order'] },
  { streamPrefix: 'account-1' },
]

describe('sqlite: recent events', function () {
  this.timeout(60_000)
  const directory = temporaryFolder()

  it('are read as they lie in the file, whatever happened before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const file = freshFile(directory)
        let failing: 'no' | 'fail' | 'fail late' = 'no'
        const commit = (real: () => void) => {
          const how = failing
          failing = 'no'
          if (how === 'fail') throw Object.assign(new Error('full'), { errcode: 13 })
          real()
          if (how === 'fail late') throw new Error('no answer')
        }
        const store = await openSqliteStore(file, { thread: false }, { commit })
        const reader = await openSqliteStore(file, { mode: 'ro' })
        const followers = [store.subscribe()]
        for (const one of steps) {
          const { kind } = one
          if (kind === 'append') {
            const events = Array.from({ length: 1 + ('count' in one ? one.count : 0) }, () =>
              event(),
            )
            await store.append(one.stream, events, { expected: 'any' })
          } else if (kind === 'follow') followers.push(store.subscribe())
          else if (kind === 'leave') followers.pop()?.close()
          else if (kind === 'delete') await store.deleteStream(one.stream).catch(() => {})
          else if (kind === 'rules') {
            await store.setStreamMetadata(one.stream, { maxCount: 2 }).catch(() => {})
          } else failing = kind as 'fail' | 'fail late'
          const { position: end } = await reader.readAll({ direction: 'backwards', limit: 1 })
          for (const filter of filters) {
            for (const after of [0, Math.max(0, end - 3), end]) {
              for (const limit of [1, 4, 100]) {
                const options = { after, limit, ...(filter && { filter }) }
                expect(await store.readAll(options)).to.deep.equal(await reader.readAll(options))
              }
            }
          }
        }
        await store.close()
        await reader.close()
      }),
      { numRuns },
    )
  })
})
