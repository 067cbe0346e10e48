namespace Caracal.Storage.Privileges;

/// <summary>One service as PostgreSQL knows it (storage.md 2): a group role that holds the rights, and two logins that are its members.</summary>
public sealed record ServiceRole
{
    public static readonly ServiceRole Api = new("api");
    public static readonly ServiceRole Sts = new("sts");
    public static readonly ServiceRole Gateway = new("gateway");
    public static readonly ServiceRole Coordinator = new("coordinator");
    public static readonly ServiceRole Audit = new("audit");

    private ServiceRole(string name) => Name = name;

    /// <summary>The services that have rights here, in the order of the matrix. The console's role owns another database.</summary>
    public static IReadOnlyList<ServiceRole> All { get; } = [Api, Sts, Gateway, Coordinator, Audit];

    /// <summary>Owner of every table, view and function: may not log in, and row-level security binds it too.</summary>
    public const string Owner = "caracalowner";

    /// <summary>The service's name in lower case, as <c>--role</c> takes it.</summary>
    public string Name { get; }

    /// <summary>The group role, which cannot log in.</summary>
    public string Group => "caracal" + Name;

    /// <summary>The login of a fresh installation.</summary>
    public string FirstLogin => Group + "_a";

    /// <summary>The login that a password rotation switches to (operations.md 4.6.7).</summary>
    public string SecondLogin => Group + "_b";

    /// <summary>Where owners publish views for this service; searched before <c>public</c>.</summary>
    public string ReadSchema => Name + "_read";

    /// <summary>The variable that holds the login's password for the migration job.</summary>
    public string PasswordVariable => $"CARACAL_{Name.ToUpperInvariant()}_DB_PASSWORD";

    /// <summary>The role of a service name.</summary>
    public static ServiceRole Of(string name) =>
        All.FirstOrDefault(role => role.Name == name) ?? throw new ArgumentException($"there is no service '{name}'", nameof(name));

    public override string ToString() => Name;
}
