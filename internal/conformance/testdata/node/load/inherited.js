class Handlers {
  constructor() {
    this.word = 'this';
  }
  async handler() {
    return typeof this.word;
  }
}
module.exports = new Handlers();
