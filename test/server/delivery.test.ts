// Deliveries are written by hand: what the client's own definitions read is what was written, whatever its size.

import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { expect } from 'chai'
import { encodeDelivery } from '../../runtime/server/delivery.ts'

const id = '0d8ca9e8-f4c5-4a4e-9c5b-8f9bd3a1c2ff'

describe('server: deliveries', () => {
  for (const position of [1, 127, 128, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
    for (const length of [0, 1, 127, 128, 16_383, 70_000]) {
      it(`position ${position}, ${length} characters`, () => {
        const data = '€'.repeat(length)
        const event = {
          stream: `account-${'ä'.repeat(length % 200)}`,
          revision: position - 1,
          position,
          id,
          type: 'Happened',
          data,
          metadata: '{"a":1}',
          recordedAt: 1_700_000_000_000,
        }
        const bytes = encodeDelivery({ event, link: { ...event, data: '1@a' } }, false)
        const read = streamsPb.ReadResp.deserializeBinary(bytes).getEvent()
        const sent = read?.getEvent()
        expect([
          Buffer.from(sent?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
          Number(sent?.getStreamRevision()),
          Number(sent?.getCommitPosition()),
          Number(read?.getCommitPosition()),
          sent?.getId()?.getString(),
          sent?.getMetadataMap().get('type'),
          sent?.getMetadataMap().get('created'),
          Buffer.from(sent?.getCustomMetadata_asU8() ?? []).toString(),
          Buffer.from(sent?.getData_asU8() ?? []).toString() === data,
          Buffer.from(read?.getLink()?.getData_asU8() ?? []).toString(),
        ]).to.deep.equal([
          event.stream,
          event.revision,
          position,
          position,
          id,
          'Happened',
          '17000000000000000',
          '{"a":1}',
          true,
          '1@a',
        ])
      })
    }
  }
})
