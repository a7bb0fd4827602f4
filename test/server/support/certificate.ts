// A certificate for 127.0.0.1 that signs itself, made by openssl in a folder of its own.

import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Paths of the PEM files, and the folder they lie in. */
export interface CertificateFiles {
  readonly folder: string
  readonly certificate: string
  readonly key: string
}

/** Makes both files. */
export function makeCertificate(): CertificateFiles {
  const folder = mkdtempSync(join(tmpdir(), 'reenact-tls-'))
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=127.0.0.1',
  ]
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  execFileSync('openssl', [...made, ...names, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  return { folder, certificate, key }
}
