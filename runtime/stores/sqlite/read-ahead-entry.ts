// What runs in the read-ahead thread: one connection that reads the pages it is asked for.

import { Connection } from './connection.ts'
import { type EventPage, PageReader, type PageRequest } from './event-page.ts'
import { serve } from './thread-requests.ts'

serve<PageRequest, EventPage>((file) => {
  const connection = new Connection({ file, readOnly: true, checkBytesMax: 0, internals: {} })
  const reader = new PageReader(connection)
  return {
    answer: (request) => {
      const answer = reader.read(request)
      return { answer, transfer: [answer.numbers.buffer] }
    },
    close: () => connection.close(),
  }
})
