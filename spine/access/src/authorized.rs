//! The permission as a value: nothing but [`authorize`] makes an [`Authorized`].

use crate::{
    actor::{Actor, ActorKind, Subject},
    policy::{Need, NeedSet, Role},
};
use ledger::ActorNumber;
use vocabulary::{CompanyNumber, Id, kind};

/// Who acts in this request, as a key or a session proved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    actor: ActorNumber,
    company: CompanyNumber,
    subject: Subject,
    role: Option<Role>,
    needs: NeedSet,
}

impl Authenticated {
    /// The installation itself, for what nobody asked for.
    pub const SYSTEM: Self = Self {
        actor: ActorNumber::SYSTEM,
        company: CompanyNumber::OPERATOR,
        subject: Subject::System,
        role: None,
        needs: NeedSet::ALL,
    };

    /// A job that the clock starts, with exactly the needs that it declares.
    ///
    /// Gives `None` when the actor is no job: people and keys prove who they are.
    pub fn job(actor: &Actor, needs: NeedSet) -> Option<Self> {
        (actor.subject.kind() == ActorKind::Job).then_some(Self {
            actor: actor.number,
            company: actor.company,
            subject: actor.subject,
            role: None,
            needs,
        })
    }

    pub(crate) const fn key(
        actor: ActorNumber,
        company: CompanyNumber,
        id: Id<kind::ApiKey>,
        needs: NeedSet,
    ) -> Self {
        Self { actor, company, subject: Subject::ApiKey(id), role: None, needs }
    }

    pub(crate) fn person(
        actor: ActorNumber,
        company: CompanyNumber,
        subject: Subject,
        role: Role,
    ) -> Self {
        Self { actor, company, subject, role: Some(role), needs: role.needs() }
    }

    /// Gives the number that the journal and the audit trail name it by.
    pub const fn actor(&self) -> ActorNumber {
        self.actor
    }

    /// Gives the company it acts for.
    pub const fn company(&self) -> CompanyNumber {
        self.company
    }

    /// Gives who it is.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// Gives the role, which only people have.
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    /// Gives all that it may do.
    pub const fn needs(&self) -> NeedSet {
        self.needs
    }

    /// Gives the member's id when a member acts.
    pub const fn member(&self) -> Option<Id<kind::Member>> {
        match self.subject {
            Subject::Member(id) => Some(id),
            Subject::System | Subject::Job(_) | Subject::ApiKey(_) | Subject::Staff(_) => None,
        }
    }

    /// Checks the need alone, before anything is looked up.
    ///
    /// # Errors
    ///
    /// [`Denied::Forbidden`].
    pub fn require(&self, need: Need) -> Result<(), Denied> {
        if self.needs.contains(need) { Ok(()) } else { Err(Denied::Forbidden { need }) }
    }

    fn reaches(&self, resource: Resource) -> bool {
        let own_company = self.company == resource.company();
        match self.subject {
            Subject::System => true,
            // The operator's staff and jobs serve all companies.
            Subject::Job(_) | Subject::Staff(_) => {
                own_company || self.company == CompanyNumber::OPERATOR
            }
            // A key is in a company's hands, also the operator's.
            Subject::ApiKey(_) => own_company,
            Subject::Member(id) => match resource {
                Resource::Member { member, .. } => own_company && member == id,
                Resource::Company(_) => false,
            },
        }
    }
}

/// What a command touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Something of a company; what belongs to the installation is the operator's.
    Company(CompanyNumber),
    /// Something of one member.
    Member {
        /// The company it is a member of.
        company: CompanyNumber,
        /// The member.
        member: Id<kind::Member>,
    },
}

impl Resource {
    /// The installation: companies, staff, jobs.
    pub const INSTALLATION: Self = Self::Company(CompanyNumber::OPERATOR);

    /// Gives the company it belongs to.
    pub const fn company(self) -> CompanyNumber {
        match self {
            Self::Company(company) | Self::Member { company, .. } => company,
        }
    }
}

impl From<CompanyNumber> for Resource {
    fn from(company: CompanyNumber) -> Self {
        Self::Company(company)
    }
}

/// Why it may not, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The need is not met; says nothing about the resource, which is not looked at.
    #[error("this asks for {need}")]
    Forbidden {
        /// What is missing.
        need: Need,
    },
    /// The resource belongs to somebody else; answered as if there were none.
    #[error("there is no such thing here")]
    NotFound,
}

impl Denied {
    /// Gives the stable code, which is the door's own.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
        }
    }
}

/// A command that may be done, and by whom. Only [`authorize`] makes one.
#[derive(Clone, Debug)]
#[must_use = "a permission that nothing is done with"]
pub struct Authorized<C> {
    command: C,
    by: Authenticated,
}

impl<C> Authorized<C> {
    /// Gives who acts.
    pub const fn by(&self) -> &Authenticated {
        &self.by
    }

    /// Looks at the command.
    pub const fn command(&self) -> &C {
        &self.command
    }

    /// Takes the command out, to hand it to the writer.
    pub fn into_command(self) -> C {
        self.command
    }
}

/// Checks that `who` may do `command` on `resource`.
///
/// Check the route's need with [`Authenticated::require`] before the resource is looked up: then a
/// missing need is answered alike whether the resource exists or not.
///
/// # Errors
///
/// The first [`Denied`] that applies.
pub fn authorize<C>(
    who: &Authenticated,
    need: Need,
    resource: impl Into<Resource>,
    command: C,
) -> Result<Authorized<C>, Denied> {
    who.require(need)?;
    if who.reaches(resource.into()) {
        Ok(Authorized { command, by: *who })
    } else {
        Err(Denied::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{Label, Token};

    use super::*;

    const OPERATOR: CompanyNumber = CompanyNumber::OPERATOR;
    const OURS: CompanyNumber = CompanyNumber::new(3);
    const THEIRS: CompanyNumber = CompanyNumber::new(4);

    fn staff(company: CompanyNumber, role: Role) -> Authenticated {
        let subject = Subject::Staff(Id::from_bits(7));
        Authenticated::person(ActorNumber::from_number(7), company, subject, role)
    }

    fn member(company: CompanyNumber, bits: u128) -> Authenticated {
        let subject = Subject::Member(Id::from_bits(bits));
        Authenticated::person(ActorNumber::from_number(8), company, subject, Role::Member)
    }

    fn key(company: CompanyNumber, needs: &[Need]) -> Authenticated {
        let needs = needs.iter().copied().collect();
        Authenticated::key(ActorNumber::from_number(9), company, Id::from_bits(9), needs)
    }

    fn job(company: CompanyNumber, needs: &[Need]) -> Authenticated {
        let name = Token::parse("expire").unwrap();
        let actor = Actor {
            number: ActorNumber::from_number(5),
            company,
            subject: Subject::job(company, &name),
            label: Label::parse("expire").unwrap(),
        };
        Authenticated::job(&actor, needs.iter().copied().collect()).unwrap()
    }

    fn of_member(company: CompanyNumber, bits: u128) -> Resource {
        Resource::Member { company, member: Id::from_bits(bits) }
    }

    #[test]
    fn every_role_and_need_follows_the_policy_at_every_company() {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Member) {
            for need in Need::ALL.iter().copied() {
                for (home, target) in [(OURS, OURS), (OURS, THEIRS), (OPERATOR, OURS)] {
                    let found = authorize(&staff(home, role), need, target, ()).map(drop);
                    let expected = match (need.roles().contains(&role), home) {
                        (false, _) => Err(Denied::Forbidden { need }),
                        (true, OPERATOR) => Ok(()),
                        (true, home) if home == target => Ok(()),
                        (true, _) => Err(Denied::NotFound),
                    };
                    assert_eq!(found, expected, "{} {need} {home} on {target}", role.code());
                }
            }
        }
    }

    #[test]
    fn who_reaches_what() {
        let read = Need::AccountRead;
        let own = Need::MemberSelf;
        let forbidden = |need| Err(Denied::Forbidden { need });
        let table = [
            (member(OURS, 1), own, of_member(OURS, 1), Ok(())),
            (member(OURS, 1), own, of_member(OURS, 2), Err(Denied::NotFound)),
            (member(OURS, 1), own, of_member(THEIRS, 1), Err(Denied::NotFound)),
            (member(OURS, 1), own, OURS.into(), Err(Denied::NotFound)),
            (member(OPERATOR, 1), own, of_member(OURS, 1), Err(Denied::NotFound)),
            (member(OURS, 1), read, of_member(OURS, 1), forbidden(read)),
            (member(OURS, 1), read, of_member(THEIRS, 9), forbidden(read)),
            (key(OURS, &[read]), read, OURS.into(), Ok(())),
            (key(OURS, &[read]), read, of_member(OURS, 1), Ok(())),
            (key(OURS, &[read]), read, THEIRS.into(), Err(Denied::NotFound)),
            (key(OURS, &[read]), read, Resource::INSTALLATION, Err(Denied::NotFound)),
            (key(OPERATOR, &[read]), read, OURS.into(), Err(Denied::NotFound)),
            (key(OURS, &[]), read, OURS.into(), forbidden(read)),
            (key(OURS, &[]), read, THEIRS.into(), forbidden(read)),
            (job(OPERATOR, &[read]), read, OURS.into(), Ok(())),
            (job(OURS, &[read]), read, THEIRS.into(), Err(Denied::NotFound)),
            (job(OPERATOR, &[read]), own, of_member(OURS, 1), forbidden(own)),
            (staff(OURS, Role::Support), read, of_member(OURS, 1), Ok(())),
            (staff(OURS, Role::Support), read, of_member(THEIRS, 1), Err(Denied::NotFound)),
            (staff(OPERATOR, Role::Support), read, of_member(OURS, 1), Ok(())),
            (Authenticated::SYSTEM, own, of_member(OURS, 1), Ok(())),
            (Authenticated::SYSTEM, read, THEIRS.into(), Ok(())),
        ];
        for (line, (who, need, resource, expected)) in table.into_iter().enumerate() {
            assert_eq!(authorize(&who, need, resource, ()).map(drop), expected, "line {line}");
        }
    }

    #[test]
    fn a_permission_carries_its_command_and_who_acts() {
        let who = key(OURS, &[Need::HoldWrite]);
        let authorized = authorize(&who, Need::HoldWrite, OURS, "place hold").unwrap();
        assert_eq!(*authorized.command(), "place hold");
        assert_eq!(*authorized.by(), who);
        assert_eq!(authorized.into_command(), "place hold");
        assert_eq!(Denied::NotFound.code(), "not_found");
        assert_eq!(
            Denied::Forbidden { need: Need::HoldWrite }.to_string(),
            "this asks for hold.write"
        );
    }

    #[test]
    fn only_a_job_becomes_a_job() {
        let subject = Subject::Member(Id::from_bits(1));
        let label = Label::parse("x").unwrap();
        let actor = Actor { number: ActorNumber::from_number(1), company: OURS, subject, label };
        assert_eq!(Authenticated::job(&actor, NeedSet::NONE), None);
    }
}
