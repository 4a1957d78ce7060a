// The measured paths in fastify: response schemas (its compiled serializer) and better-sqlite3.
'use strict'

const PAGE_SIZE = 50
const COLUMNS = 'id, name, description, price, quantity, created_at'

const fastify = require('fastify')({ logger: false })
const database = require('better-sqlite3')(process.env.BENCH_DB)
const selectOne = database.prepare(`select ${COLUMNS} from items where id = ?`)
const selectPage = database.prepare(`select ${COLUMNS} from items order by id limit ? offset ?`)
const selectCount = database.prepare('select count(*) from items').pluck()

const item = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    description: { type: 'string' },
    price: { type: 'number' },
    quantity: { type: 'integer' },
    created_at: { type: 'string' }
  }
}
const page = {
  type: 'object',
  properties: {
    count: { type: 'integer' },
    next: { type: 'string', nullable: true },
    previous: { type: 'string', nullable: true },
    results: { type: 'array', items: item }
  }
}
const message = { type: 'object', properties: { message: { type: 'string' } } }

function shown (row) {
  row.created_at = row.created_at.replace(' ', 'T') + 'Z'
  return row
}

function link (request, number) {
  const base = `http://${request.headers.host}/items`
  return number > 1 ? `${base}?page=${number}` : base
}

fastify.get('/json', { schema: { response: { 200: message } } },
  async () => ({ message: 'Hello, World!' }))

const query = { type: 'object', properties: { page: { type: 'integer', default: 1 } } }
fastify.get('/items', { schema: { querystring: query, response: { 200: page } } },
  async (request, reply) => {
    const number = request.query.page
    const offset = (number - 1) * PAGE_SIZE
    const count = selectCount.get()
    if (number < 1 || (offset >= count && number > 1)) {
      return reply.code(404).send({ detail: 'Invalid page.' })
    }
    return {
      count,
      next: offset + PAGE_SIZE < count ? link(request, number + 1) : null,
      previous: number > 1 ? link(request, number - 1) : null,
      results: selectPage.all(PAGE_SIZE, offset).map(shown)
    }
  })

const params = { type: 'object', properties: { id: { type: 'integer' } } }
fastify.get('/items/:id', { schema: { params, response: { 200: item } } },
  async (request, reply) => {
    const row = selectOne.get(request.params.id)
    if (!row) return reply.code(404).send({ detail: 'Not found.' })
    return shown(row)
  })

fastify.listen({ host: '127.0.0.1', port: Number(process.env.BENCH_PORT) })
