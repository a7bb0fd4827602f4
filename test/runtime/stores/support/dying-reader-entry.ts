// A read-ahead thread that dies with the second page in hand.

import { Connection } from '../../../../runtime/stores/sqlite/connection.ts'
import {
  type EventPage,
  PageReader,
  type PageRequest,
} from '../../../../runtime/stores/sqlite/event-page.ts'
import { serve } from '../../../../runtime/stores/sqlite/thread-requests.ts'

let pages = 0

serve<PageRequest, EventPage>((file) => {
  const connection = new Connection({ file, readOnly: true, checkBytesMax: 0, internals: {} })
  const reader = new PageReader(connection)
  return {
    answer: (request) => {
      pages += 1
      if (pages === 2) process.exit()
      return { answer: reader.read(request) }
    },
    close: () => connection.close(),
  }
})
