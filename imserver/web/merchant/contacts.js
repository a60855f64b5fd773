// What the merchant calls people: a remark is a contact's own name in this shop, and stands in place of the nickname.

export class Contacts {
  constructor(model) {
    this.model = model;
    this.remarks = new Map();
    model.on("lists", () => this.load());
  }

  load() {
    return this.model.session.ask("listContacts", {}).then((answer) => {
      const before = this.remarks;
      this.remarks = new Map(answer.contacts.map((one) => [one.user_id, one.remark || ""]));
      before.forEach((remark, user) => this.remarks.has(user) || this.model.people.learn({ user_id: user, remark: "" }));
      answer.contacts.forEach((one) => this.model.people.learn(one));
    }, () => this.model.missedLists());
  }

  remarkOf(user) {
    return this.remarks.get(user) || "";
  }

  name(user, remark) {
    const asked = remark === "" ? this.model.act("removeContact", { user_id: user }) : this.model.act("addContact", { user_id: user, remark });
    return asked.then((answer) => {
      if (!answer) return;
      this.remarks.set(user, remark);
      this.model.people.learn({ user_id: user, remark });
    });
  }
}
