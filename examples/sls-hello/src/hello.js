"use strict";

module.exports.handler = async (event) => {
  const name = event.name ?? "world";
  console.log(`greeting ${name}`);
  return {
    message: `${process.env.GREETING}, ${name}!`,
    stage: process.env.STAGE,
    signature: process.env.SIGNATURE,
  };
};
