// Functions by callback, made into such by promise.
'use strict';

const { promisify } = require('node:util');
const mysql = require('mysql');
const { account, ports, spin, warm } = require('truth');

const db = mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });
const query = promisify(db.query).bind(db);

function countPins(done) {
  const t = account('countPins');
  db.query('SELECT COUNT(*) FROM (SELECT 1) AS pins', (error, rows) => {
    t.services(60);
    done(error, rows);
  });
  t.cpu();
}

const count = promisify(countPins);

async function load() {
  const t = account('load');
  const user = query('SELECT 1');
  t.cpu();
  await user; // ended by operation SELECT
  t.services(60);
  spin(10);
  t.cpu(10);
  const counted = count();
  t.callees();
  await counted; // ended by function countPins
  t.callees(60);
}

async function main() {
  await warm(() => query('SELECT 1'));
  await load();
  db.end();
}

main();
