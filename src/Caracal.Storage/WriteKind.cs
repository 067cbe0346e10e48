namespace Caracal.Storage;

/// <summary>What a change means to those who decide. Ask for less than <see cref="Authority"/> only where it provably holds.</summary>
public enum WriteKind
{
    /// <summary>May change what somebody is allowed to do: what was read before it is worth nothing after it. Durable when it returns.</summary>
    Authority = 0,

    /// <summary>
    /// Changes how a zone is configured, which raises its version, and no other row that <see cref="TokenExchange.ExchangeFactsStore"/>
    /// reads: nobody's Session, Delegation or record. What was read before it is worth nothing after it, but who decides meanwhile,
    /// by the configuration before, comes before it and need not wait for it. Durable when it returns.
    /// </summary>
    Configuration,

    /// <summary>
    /// Changes no row that <see cref="TokenExchange.ExchangeFactsStore"/> ever read: it only adds, or keeps the books. Durable when it
    /// returns. The embedded store lets exchanges go on meanwhile, and refuses a statement that would change such a row after all.
    /// </summary>
    Bookkeeping,

    /// <summary>
    /// As <see cref="Bookkeeping"/>, and a power cut may undo it as a whole: losing it only takes authority away, or lets a message
    /// go out once more. It is never lost before a later durable change. What need not even wait for its commit goes through
    /// <see cref="Database.TryIssue"/>.
    /// </summary>
    Issue,
}
