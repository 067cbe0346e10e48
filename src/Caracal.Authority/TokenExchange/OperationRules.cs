namespace Caracal.Authority.TokenExchange;

/// <summary>The operation floor of an enforced resource (sts.md 2.2 step 4). No policy can relax it.</summary>
public static class OperationRules
{
    /// <summary>True when a declared operation has this method and exact path, and its scope is one of the mandate's.</summary>
    public static bool Permits(ExchangeResource resource, string? method, string? path, IReadOnlyList<string> mandateScopes)
    {
        if (!resource.OperationsEnforced)
        {
            return true;
        }

        if (string.IsNullOrWhiteSpace(method) || string.IsNullOrWhiteSpace(path))
        {
            return false;
        }

        var verb = method.AsSpan().Trim();
        var target = path.AsSpan().Trim();
        foreach (var operation in resource.Operations)
        {
            if (verb.Equals(operation.Method, StringComparison.OrdinalIgnoreCase)
                && target.SequenceEqual(operation.Path)
                && Scopes.Contains(mandateScopes, operation.Scope))
            {
                return true;
            }
        }

        return false;
    }
}
