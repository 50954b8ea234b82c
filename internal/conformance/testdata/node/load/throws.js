console.log('about to throw');
throw new RangeError('at the top');
