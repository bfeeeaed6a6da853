// Callbacks in callbacks: one function, three answers one after another.
'use strict';

const mysql = require('mysql');
const { account, ports, spin } = require('truth');

const db = mysql.createConnection({ port: ports.mysql[60], host: '127.0.0.1', user: 'root', database: 'pins' });

function loadAll(done) {
  const t = account('loadAll');
  db.query('SELECT 1', (error) => {
    if (error) throw error;
    t.services(60);
    spin(20);
    db.query('SELECT 2', (again) => {
      if (again) throw again;
      t.services(60);
      db.query('SELECT 3', () => {
        t.services(60);
        done();
      });
      t.cpu();
    });
    t.cpu(20);
  });
  t.cpu();
}

function warm(left, done) {
  if (left === 0) return done();
  db.query('SELECT 1', () => warm(left - 1, done));
}

db.connect(() => {
  warm(3, () => loadAll(() => db.end()));
});
