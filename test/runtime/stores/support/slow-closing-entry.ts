// A storage thread that takes its time to close, and leaves a sign when it is through.

import { writeFileSync } from 'node:fs'
import { serve } from '../../../../runtime/stores/sqlite/thread-requests.ts'

serve<never, never>((file) => ({
  answer: (request) => ({ answer: request }),
  close: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    writeFileSync(`${file}-closed`, '')
  },
}))
