// A web application that knows nothing of Lambda. ROW says what is special of it.
const http = require('http');

const row = process.env.ROW;
const started = Date.now();
let served = 0;

// Requests that are not those of functions' callers.
const probes = {
  '/health': (req, res) => {
    // For its first 200 ms it answers that it cannot serve.
    const ready = Date.now() - started > 200;
    if (ready) console.log('healthy');
    res.writeHead(ready ? 200 : 503).end();
  },
  // The adapter's own path for readiness, and for events that are no HTTP.
  '/': (req, res) => res.end(),
};

const paths = {
  '/echo': (req, res, body) => {
    const lambda = JSON.parse(req.headers['x-amzn-lambda-context']);
    const stage = JSON.parse(req.headers['x-amzn-request-context']).stage;
    res.setHeader('x-answer', 'yes');
    res.setHeader('set-cookie', ['e=f', 'g=h']);
    res.writeHead(201, { 'content-type': 'application/json' });
    res.end(JSON.stringify({
      method: req.method, url: req.url, body, own: req.headers['x-own'], cookie: req.headers.cookie,
      id: lambda.request_id, name: lambda.env_config.function_name, stage,
    }));
  },
  '/count': (req, res) => res.end(String(++served)),
  '/bytes': (req, res) => res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.from([0, 255, 254])),
  '/events': (req, res, body) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ event: JSON.parse(body) })),
  '/fails': (req, res) => res.writeHead(500).end('broken'),
  '/exits': () => process.exit(3),
  '/sleeps': (req, res) => setTimeout(() => res.end(), 5000),
  '/stream': (req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' });
    ['one,', 'two,', 'three'].forEach((part, i) => setTimeout(() => res.write(part), 20 * i));
    setTimeout(() => res.end(), 80);
  },
  '/breaks': (req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' });
    res.write('half');
    setTimeout(() => res.destroy(), 50);
  },
};

const server = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const path = req.url.split('?')[0];
    res.sendDate = false;
    (probes[path] || paths[path])(req, res, Buffer.concat(chunks).toString());
  });
});

process.on('SIGTERM', () => {
  console.log('asked to end');
  process.exit(0);
});

if (row === 'exits_at_init') {
  console.log('no database');
  process.exit(4);
}
setTimeout(() => server.listen(process.env.PORT, '127.0.0.1', () => console.log('listening')), row === 'starts_slowly' ? 500 : 0);
