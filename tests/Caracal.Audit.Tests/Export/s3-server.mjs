// s3rver with what it lacks of multipart uploads: listing them, aborting one, and knowing which there are.
//
//   node s3-server.mjs <folder> <port> <bucket>
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import S3rver from 's3rver'

const [folder, port, bucket] = process.argv.slice(2)
const s3rver = new S3rver({ directory: folder, silent: true, configureBuckets: [{ name: bucket }] })
await s3rver.configureBuckets()
const handle = s3rver.callback()
const uploads = s3rver.store.getResourcePath(bucket, undefined, 'uploads')
const escape = text => text.replace(/[&<>]/g, c => `&#${c.charCodeAt(0)};`)

function answer(response, status, xml) {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(xml && `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`)
}

function list(response, prefix) {
  const found = existsSync(uploads) ? readdirSync(uploads).map(id => ({ id, key: readFileSync(join(uploads, id, 'key'), 'utf8') })) : []
  const rows = found.filter(upload => upload.key.startsWith(prefix)).map(upload => `<Upload><Key>${escape(upload.key)}</Key><UploadId>${upload.id}</UploadId></Upload>`)
  answer(response, 200, `<ListMultipartUploadsResult><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>${rows.join('')}</ListMultipartUploadsResult>`)
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  const id = url.searchParams.get('uploadId')
  if (request.method === 'GET' && url.searchParams.has('uploads')) return list(response, url.searchParams.get('prefix') ?? '')
  if (id !== null && !(/^[0-9a-f]{32}$/.test(id) && existsSync(join(uploads, id)))) {
    request.resume()
    return answer(response, 404, '<Error><Code>NoSuchUpload</Code><Message>no such upload</Message></Error>')
  }
  if (request.method === 'DELETE' && id !== null) {
    rmSync(join(uploads, id), { recursive: true })
    return answer(response, 204)
  }
  return handle(request, response)
}).listen(Number(port), '127.0.0.1', () => console.log('listening'))
