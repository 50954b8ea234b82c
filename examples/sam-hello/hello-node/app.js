"use strict";

exports.handler = async (event, context) => {
  const name = event.name ?? "world";
  console.log(`greeting ${name} from ${context.functionName}`);
  return {
    message: `${process.env.GREETING}, ${name}!`,
    stage: process.env.STAGE,
    signature: process.env.SIGNATURE,
  };
};
